# SPDX-License-Identifier: GPL-2.0-or-later
"""Sound as numbers: WAV files, G.711, and how alike two recordings are."""

import wave

import numpy


def speech_like(seconds, rate=8000, seed=1):
    """Noise with a changing envelope and pitch: like speech, it resembles itself at one delay only."""
    random = numpy.random.default_rng(seed)
    count = int(seconds * rate)
    time = numpy.arange(count) / rate
    pitch = 300 + 200 * numpy.sin(2 * numpy.pi * 0.7 * time) + 100 * numpy.sin(2 * numpy.pi * 1.9 * time)
    tone = numpy.sin(2 * numpy.pi * numpy.cumsum(pitch) / rate)
    noise = numpy.convolve(random.standard_normal(count), numpy.ones(4) / 4, mode="same")
    steps = numpy.arange(0, seconds + 0.1, 0.1)
    envelope = numpy.interp(time, steps, random.uniform(0.2, 1.0, len(steps)))
    return (8000 * envelope * (0.7 * tone + 0.5 * noise)).clip(-30000, 30000).astype(numpy.int16)


def write_wav(path, samples, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def read_wav(path):
    """(samples, rate). A recorder that was ended may have left a header without lengths."""
    with open(path, "rb") as file:
        data = file.read()
    at = data.index(b"fmt ")
    channels = int.from_bytes(data[at + 10 : at + 12], "little")
    rate = int.from_bytes(data[at + 12 : at + 16], "little")
    at = data.index(b"data")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    body = data[at + 8 :]
    if 0 < size < len(body):
        body = body[:size]
    samples = numpy.frombuffer(body[: len(body) // 2 * 2], "<i2")
    return samples[::channels], rate


# ---- G.711 (ITU-T G.711; the decoders as tables) ----


def ulaw_table():
    code = numpy.arange(256)
    inverted = ~code & 0xFF
    exponent, mantissa = (inverted >> 4) & 7, inverted & 15
    magnitude = ((mantissa * 2 + 33) << exponent) - 33
    return numpy.where(inverted & 0x80, -magnitude, magnitude) * 4


def alaw_table():
    code = numpy.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = numpy.where(exponent == 0, mantissa * 2 + 1, (mantissa * 2 + 33) << numpy.maximum(exponent - 1, 0))
    return numpy.where(code & 0x80, magnitude, -magnitude) * 8


ULAW, ALAW = ulaw_table(), alaw_table()


def decode(payload, table=ULAW):
    return table[numpy.frombuffer(payload, numpy.uint8)].astype(numpy.float64)


def encode(samples, table=ULAW):
    """The nearest code of each sample."""
    order = numpy.argsort(table, kind="stable")
    levels = table[order]
    right = numpy.clip(numpy.searchsorted(levels, samples), 1, 255)
    left = right - 1
    nearest = numpy.where(samples - levels[left] <= levels[right] - samples, left, right)
    return order[nearest].astype(numpy.uint8).tobytes()


# ---- likeness ----


def best_match(needle, hay):
    """(correlation, delay in samples) of the place in `hay` that is most like the whole of `needle`.

    1.0 is the same up to loudness; what has nothing to do with it is near 0.
    """
    needle = numpy.asarray(needle, numpy.float64)
    hay = numpy.asarray(hay, numpy.float64)
    if len(hay) < len(needle):
        return 0.0, 0
    needle = needle - needle.mean()
    size = 1 << (len(hay) + len(needle)).bit_length()
    product = numpy.fft.irfft(numpy.fft.rfft(hay, size) * numpy.conj(numpy.fft.rfft(needle, size)), size)
    product = product[: len(hay) - len(needle) + 1]
    squares = numpy.concatenate(([0.0], numpy.cumsum(hay**2)))
    energy = squares[len(needle) :] - squares[: -len(needle)]
    sums = numpy.concatenate(([0.0], numpy.cumsum(hay)))
    mean = (sums[len(needle) :] - sums[: -len(needle)]) / len(needle)
    spread = numpy.sqrt(numpy.maximum(energy - len(needle) * mean**2, 1e-9)) * numpy.linalg.norm(needle)
    likeness = product / numpy.maximum(spread, 1e-6)
    likeness[spread < 1e3] = 0.0
    at = int(numpy.argmax(likeness))
    return float(likeness[at]), at


def share_heard(source, heard, rate):
    """Which part of a source's half seconds is in a recording as it was (0.0 to 1.0).

    Clients drop or double a packet time now and then, when their clocks and ours differ: the half second
    where that happens is lost, the others are not.
    """
    step = rate // 2
    pieces = [source[at : at + step] for at in range(0, len(source) - step + 1, step)]
    return sum(best_match(piece, heard)[0] > 0.97 for piece in pieces) / len(pieces)


def loudness(samples):
    """Root mean square."""
    return float(numpy.sqrt(numpy.mean(numpy.asarray(samples, numpy.float64) ** 2))) if len(samples) else 0.0
