"""Which files are worked on, and what becomes of each."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_gan_enhance import batch
from napari_gan_enhance.errors import DEBUG, InputError, OutputError
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Job, Progress, drain


def test_field_of_a_plate_is_an_image(tmp_path: Path) -> None:
    well = tmp_path / "plate.zarr" / "A" / "1"
    zarr.create_group(tmp_path / "plate.zarr")
    well.mkdir(parents=True)
    drain(write_micrograph(well / "0.zarr", Micrograph(np.ones((4, 5), "u1"), "YX")))
    field = (well / "0.zarr").rename(well / "0")
    one = batch.plan([field], tmp_path / "field.ome.tif")
    assert one == [batch.Task(field, tmp_path / "field.ome.tif")]
    among = batch.plan([field], tmp_path / "out")
    assert among == [batch.Task(field, tmp_path / "out" / "0.ome.tif")]


@pytest.mark.parametrize("suffix", [".ome.btf", ".ome.tf8", ".btf", ".OME.TIFF"])
def test_result_is_named_like_its_image(tmp_path: Path, suffix: str) -> None:
    image = tmp_path / f"cell{suffix}"
    image.touch()
    tasks = batch.plan([image], tmp_path / "out")
    assert tasks == [batch.Task(image, tmp_path / "out" / "cell.ome.tif")]


@pytest.mark.parametrize(("theirs", "status"), [(True, "skipped"), (False, "failed")])
def test_result_that_another_process_made_is_skipped(
    tmp_path: Path, theirs: bool, status: str
) -> None:
    """Two may work over one folder; what is another job's is not ours."""
    task = batch.Task(tmp_path / "a.tif", tmp_path / "a.ome.tif")

    def work(_: batch.Task) -> Job[object]:
        yield Progress(0, 1, "while another one writes")
        task.output.write_bytes(b"theirs")
        raise OutputError("'a.ome.tif' already exists")

    job = batch.run([task], work, is_done=lambda _: theirs, overwrite=False)
    _, made = next(job)
    assert drain(made).status == status


def test_name_that_no_disk_can_hold_is_told(tmp_path: Path) -> None:
    task = batch.Task(tmp_path / "a.tif", tmp_path / ("a" * 250 + ".ome.tif"))

    def work(_: batch.Task) -> Job[object]:
        yield Progress(0, 1, "never")

    job = batch.run([task], work, is_done=lambda _: False, overwrite=False)
    _, made = next(job)
    report = drain(made)
    assert report.status == "failed"
    assert "File name too long" in report.message
    assert "should not happen" not in report.message


def test_images_of_a_zarr_folder_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "positions.zarr"
    zarr.create_group(folder)
    for number in range(2):
        path = tmp_path / f"{number}.ome.zarr"
        drain(write_micrograph(path, Micrograph(np.ones((4, 5), "u1"), "YX")))
        path.rename(folder / str(number))
    task = batch.Task(folder, tmp_path / "out" / "positions.ome.tif")
    assert batch.each_image(task) == [
        batch.Task(folder, tmp_path / "out" / f"positions_s{n}.ome.tif", n)
        for n in range(2)
    ]


def test_part_of_an_image_is_never_replaced_by_its_result(tmp_path: Path) -> None:
    names = ["cells.ome.tif", "cells_s1.ome.tif"]
    write_planes(tmp_path, names, told_in=names)
    before = (tmp_path / names[1]).read_bytes()
    task = batch.Task(tmp_path / names[0], tmp_path / names[1])

    def work(task: batch.Task) -> Job[None]:
        yield from ()
        task.output.write_bytes(b"")

    jobs = batch.run([task], work, is_done=lambda _: False, overwrite=True)
    ((_, job),) = jobs
    report = drain(job)
    assert report.status == "failed"
    assert "inputs are never replaced" in report.message
    assert (tmp_path / names[1]).read_bytes() == before


def write_planes(folder: Path, names: list[str], *, told_in: list[str]) -> None:
    """Write an OME-TIFF image, a plane to a file; some files tell of all of them."""
    parts = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{name}">urn:uuid:{name}</UUID></TiffData>'
        for z, name in enumerate(names)
    )
    for name in names:
        inner = (
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
            f'Type="uint8" SizeX="5" SizeY="4" SizeZ="{len(names)}" SizeC="1" '
            f'SizeT="1"><Channel ID="Channel:0"/>{parts}</Pixels></Image>'
        )
        if name not in told_in:
            first = told_in[0]
            inner = f'<BinaryOnly MetadataFile="{first}" UUID="urn:uuid:{first}"/>'
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{name}">{inner}</OME>'
        )
        plane = np.zeros((4, 5), "u1")
        tifffile.imwrite(folder / name, plane, description=xml, metadata=None)


def planned(inputs: list[Path], out: Path) -> list[str]:
    return [task.source.name for task in batch.plan(inputs, out)]


def test_image_over_several_files_is_planned_once(tmp_path: Path) -> None:
    names = ["z0.ome.tif", "z1.ome.tif", "z2.ome.tif"]
    write_planes(tmp_path, names, told_in=names)
    tifffile.imwrite(tmp_path / "other.tif", np.zeros((4, 5), "u1"))
    out = tmp_path / "out"
    assert planned([tmp_path], out) == ["other.tif", "z0.ome.tif"]
    given = [tmp_path / name for name in names[1:]]
    assert planned(given, out) == ["z1.ome.tif"]


def test_file_that_tells_of_the_others_stands_for_them(tmp_path: Path) -> None:
    names = ["z0.ome.tif", "z1.ome.tif", "z2.ome.tif"]
    write_planes(tmp_path, names, told_in=["z2.ome.tif"])
    assert planned([tmp_path], tmp_path / "out") == ["z2.ome.tif"]


def test_renamed_copy_is_an_image_of_its_own(tmp_path: Path) -> None:
    write_planes(tmp_path, ["day.ome.tif"], told_in=["day.ome.tif"])
    (tmp_path / "copy.ome.tif").write_bytes((tmp_path / "day.ome.tif").read_bytes())
    assert planned([tmp_path], tmp_path / "out") == ["copy.ome.tif", "day.ome.tif"]


def reports(folder: Path, error: Exception) -> list[batch.FileReport]:
    """Run a batch of three files, of which the first raises an error."""
    for name in "abc":
        (folder / f"{name}.tif").write_bytes(b"not opened")
    (folder / "out").mkdir()

    def work(task: batch.Task):
        yield Progress(0, 1, "working", note=task.source.name)
        if task.source.name == "a.tif":
            raise error

    tasks = batch.plan([folder], folder / "out")
    jobs = batch.run(tasks, work, is_done=lambda task: False, overwrite=False)
    return [drain(job) for _, job in jobs]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("Unable to allocate 15 GiB"), "ran out of memory (Unable"),
        (KeyError("key"), "KeyError: 'key' - this should not happen"),
        (InputError("Too dark."), "Too dark."),
    ],
)
def test_one_odd_file_does_not_end_the_batch(tmp_path: Path, error, words: str) -> None:
    found = reports(tmp_path, error)
    assert [report.status for report in found] == ["failed", "done", "done"]
    assert words in found[0].message
    assert [report.notes for report in found] == [("a.tif",), ("b.tif",), ("c.tif",)]


def test_unexpected_error_can_be_seen(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(DEBUG, "1")
    with pytest.raises(KeyError, match="key"):
        reports(tmp_path, KeyError("key"))


def refuse(path: Path, *_: object) -> None:
    raise PermissionError(errno.EACCES, "", str(path))


def test_folder_that_may_not_be_read_is_our_error(tmp_path: Path, monkeypatch) -> None:
    # Permission bits do not stop root, so the answer of the system is given instead.
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"cannot be opened \(Permission denied\)"):
        batch.plan([tmp_path], tmp_path / "out")


def test_output_that_may_not_be_seen_is_our_error(tmp_path: Path, monkeypatch) -> None:
    image, out = tmp_path / "a.tif", tmp_path / "closed" / "a.ome.tif"
    image.write_bytes(b"not opened")
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda p: refuse(p) if p == out else is_dir(p))
    with pytest.raises(OutputError, match="Permission denied"):
        batch.plan([image], out)
