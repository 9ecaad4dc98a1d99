"""CPU of single frames in other transfer syntaxes, in one process, without HTTP, against the bare codec.

    PYTHONPATH=tests python bench/transcoding.py
"""

import io
import statistics
import tempfile
import time
from pathlib import Path

import imagecodecs
import numpy as np
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from archives import find, opened, take_in, target_of
from samples import make_dataset

from hilum.app import prepare
from hilum.config import RetrieveSettings, Settings
from hilum.services.studies.retrieve import retrieve_frames
from hilum.wire.selection import Acceptable

J2K, HTJ2K = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"


def cpu_ms(work, runs=30):
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


def ct():
    """Return a 512 x 512 image of 12 bits, smooth with some noise."""
    rng = np.random.default_rng(1)
    smooth = np.cumsum(np.cumsum(rng.integers(-3, 4, (512, 512)), 0), 1)
    scaled = (smooth - smooth.min()) * 4000 // (smooth.max() - smooth.min())
    return (scaled + rng.integers(0, 60, scaled.shape)).clip(0, 4095).astype("<u2")


def dataset_of(pixels, frames=1, syntax=ExplicitVRLittleEndian, rows=512):
    ds = make_dataset(Rows=rows, Columns=rows, BitsAllocated=16, BitsStored=12, HighBit=11, NumberOfFrames=frames)
    ds.PixelData = pixels
    ds["PixelData"].VR = "OW"
    if syntax != ExplicitVRLittleEndian:
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(syntax), UID(generate_uid())
    ds.file_meta = meta
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return ds, buffer.getvalue()


def frame(archive, ds, number, accept):
    (part,) = retrieve_frames(target_of(ds), [number], Acceptable(accept), archive=archive).parts
    return b"".join(part.chunks())


def main():
    folder = Path(tempfile.mkdtemp())
    prepare(Settings(data=folder))
    image = ct()
    octets = "application/octet-stream"
    with opened(folder, retrieve=RetrieveSettings(frame_cache_bytes=0)) as archive:
        stream = imagecodecs.jpeg2k_encode(image, codecformat="j2k", reversible=True, level=0, bitspersample=12)
        j2k, data = dataset_of(encapsulate([stream]), syntax=J2K)
        take_in(archive, data)
        native, data = dataset_of(image.tobytes())
        take_in(archive, data)
        print(f"J2K decode, bare codec: {cpu_ms(lambda: imagecodecs.jpeg2k_decode(stream, numthreads=1)):.2f} ms")
        print(f"J2K frame to octets:    {cpu_ms(lambda: frame(archive, j2k, 1, octets)):.2f} ms")
        print(f"HTJ2K encode, bare:     {cpu_ms(lambda: imagecodecs.htj2k_encode(image)):.2f} ms")
        for name in ("image/jphc", "image/jls", "image/jp2", "image/jxl", "image/dicom-rle", "image/jpeg"):
            print(f"octets to {name}: {cpu_ms(lambda name=name: frame(archive, native, 1, name)):.2f} ms")
        tile = np.ascontiguousarray(image[:32, :32])
        encoded = imagecodecs.htj2k_encode(tile)
        for count in (1, 2_000, 100_000):
            plain, data = dataset_of(tile.tobytes() * count, count, rows=32)
            take_in(archive, data)
            packed, data = dataset_of(encapsulate([encoded] * count), count, HTJ2K, rows=32)
            take_in(archive, data)
            assert find(archive, packed)
            forms = ((plain, octets, "native as stored"), (plain, "image/jphc", "native to HTJ2K"))
            forms += ((packed, "image/jphc", "HTJ2K as stored"), (packed, octets, "HTJ2K to native"))
            for ds, accept, name in forms:
                figure = cpu_ms(lambda ds=ds, accept=accept: frame(archive, ds, count, accept), 200)
                print(f"last frame of {count}, {name}: {figure:.3f} ms")


if __name__ == "__main__":
    main()
