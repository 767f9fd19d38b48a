//! Arrays upon buffers: numpy is looked for when somebody asks for one.

use pyo3::prelude::*;

/// `object`, which has a buffer, as an array in place.
pub(crate) fn array<'py>(
    object: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    shape: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let array = match dtype {
        Some(dtype) => py.import("numpy")?.call_method1("frombuffer", (object, dtype))?,
        None => py.import("numpy")?.call_method1("frombuffer", (object, "uint8"))?,
    };
    match shape {
        Some(shape) => array.call_method1("reshape", (shape,)),
        None => Ok(array),
    }
}
