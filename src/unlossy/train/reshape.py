"""A trained network with more or fewer blocks, where training goes on: nothing that it knows is learnt again.

New blocks stand last in their level and begin as the identity. Where there are too many, those leave whose absence
costs least on pictures, one at a time, for what a block does depends on the others.
"""

from collections.abc import Callable, Iterator
from typing import Final

from torch import nn

from unlossy.core.errors import UsageError
from unlossy.correctors.nets.unet import SLOPE, Block, Level, UNet, UNetShape

LEVELS: Final = {"fine_in": 0, "middle_in": 1, "bottom": 2, "middle_out": 1, "fine_out": 0}
"""The rows of blocks of a network, in the order in which a picture passes them, and their places in its shape."""


def reshaped(network: UNet, shape: UNetShape, cost: Callable[[UNet], float]) -> UNet:
    """The network itself, now in `shape`.

    Args:
        network: trained.
        shape: of the same widths and embedding; blocks may differ.
        cost: what a network loses on pictures, the lower the better; asked only where blocks must leave.

    Raises:
        UsageError: widths or embedding differ.
    """
    if (network.shape.widths, network.shape.embedding) != (shape.widths, shape.embedding):
        of_weights, of_size = (f"{one.widths} channels, embedding of {one.embedding}" for one in (network.shape, shape))
        raise UsageError(
            f"the weights to start from have {of_weights}; those to train have {of_size}: --size chooses; only the "
            "number of blocks may differ"
        )
    device = next(network.parameters()).device
    for name, depth in LEVELS.items():
        level, wanted = getattr(network, name), shape.blocks[depth]
        while len(level) > wanted:
            costs = {place: cost(network) for place in each_left_out(network, name)}
            del level[min(costs, key=lambda place: costs[place])]
        for _ in range(wanted - len(level)):
            level.append(identity_block(shape.widths[depth], shape.embedding).to(device))
    network.shape = shape
    return network.train(network.training)


def identity_block(width: int, embedding: int) -> Block:
    """A block that changes nothing yet, and whose first convolution is loud enough for it to learn at once."""
    block = Block(width, embedding)
    nn.init.kaiming_normal_(block.first.weight, a=SLOPE)
    for bias in (block.first.bias, block.second.bias):
        nn.init.zeros_(bias)  # type: ignore[arg-type]
    return block


def each_left_out(network: UNet, name: str) -> Iterator[int]:
    """The place of each block of a level (one of LEVELS), while the network is without it; then it is whole again."""
    whole: Level = getattr(network, name)
    for place in range(len(whole)):
        without = Level(0, 0, 0)
        without.extend(block for other, block in enumerate(whole) if other != place)
        setattr(network, name, without)
        yield place
    setattr(network, name, whole)
