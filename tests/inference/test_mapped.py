"""Mapped arrays are those that artifact.load reads."""

import numpy as np
import pytest

from tinyscout import artifact
from tinyscout.errors import InputError
from tinyscout.inference.mapped import load_mapped


def test_equals_what_is_read(tmp_path):
    rng = np.random.default_rng(0)
    kinds = (np.float64, np.float32, np.float16, np.int64, np.int32, np.int8, np.uint8)
    arrays = {kind.__name__: (rng.standard_normal((3, 5)) * 50).astype(kind) for kind in kinds}
    arrays |= {"none": np.zeros((0, 4), np.float32), "flat": np.arange(7, dtype=np.int8)}
    written = artifact.save(tmp_path, artifact.Manifest("a", "b", "c"), arrays, {"n": [1, 2]})
    manifest, views, state = load_mapped(tmp_path)
    assert manifest == written and state == {"n": [1, 2]} and views.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(views[name], array, strict=True)
        assert not views[name].flags.writeable


def test_a_damaged_file_is_one_line(tmp_path):
    artifact.save(tmp_path, artifact.Manifest("a", "b", "c"), {"x": np.zeros(9)})
    file = next(tmp_path.glob("*.safetensors"))
    content = file.read_bytes()
    for damaged in (content[:-1], content[:-1] + b"\1"):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match="truncated or changed"):
            load_mapped(tmp_path)
    file.write_bytes(b"")
    with pytest.raises(InputError, match="missing or empty"):
        load_mapped(tmp_path)
