"""A device that behaves as a GPU does, on a machine without one: its tensors have no numbers until they are fetched."""

import torch


class Elsewhere(torch.Tensor):
    """What is made of one is one; NumPy gets none of its numbers, but `.cpu()` gives them."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        answer = super().__torch_function__(func, types, args, kwargs or {})
        return answer.as_subclass(torch.Tensor) if func is torch.Tensor.cpu else answer

    def numpy(self, *_args, **_kwargs):
        raise TypeError("can't convert a tensor that is elsewhere to numpy; use .cpu() first")

    __array__ = numpy


def send_elsewhere(monkeypatch, module):
    """The names of the devices that are asked for in `module`, whose pictures go elsewhere from now on."""
    asked, placed = [], module.placed

    def stand_in(network, threads, device="cpu"):
        asked.append(device)
        there = placed(network, threads, "cpu")
        return lambda pictures: there(pictures).as_subclass(Elsewhere)

    monkeypatch.setattr(module, "placed", stand_in)
    return asked
