import threading
import time

from unlossy.repair.gate import PixelGate


def test_no_more_is_held_at_once_than_fits():
    gate, lock, held, most = PixelGate(100), threading.Lock(), [0], [0]

    def hold(n_pixels):
        for _ in range(20):
            gate.take(n_pixels)
            with lock:
                held[0] += n_pixels
                most[0] = max(most[0], held[0])
            time.sleep(0.0002)
            with lock:
                held[0] -= n_pixels
            gate.give(n_pixels)

    threads = [threading.Thread(target=hold, args=(n,)) for n in (60, 50, 40, 30, 20, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert 60 < most[0] <= 100


def test_a_picture_larger_than_the_gate_goes_alone():
    gate = PixelGate(100)
    gate.take(1000)
    assert not gate.try_take(1)
    gate.give(1000)
    assert gate.try_take(1)
    assert not gate.try_take(1000)
