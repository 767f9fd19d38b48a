//! xbar for Python: the facade as the extension module `xbar._xbar`, and nothing else.
//!
//! The package around it is in `python/xbar`; docs/python.md says how it is used. What holds for all of it:
//!
//! - **One thread at a time** uses a handle; a second is refused with `Busy`, and nobody waits for a lock with the interpreter held.
//! - **Waiting** lets other threads run, and looks for signals every 100 ms at the latest.
//! - **Messages** are buffers in place. What a view of Python points to stays until the last view is gone (`held.rs`).
//! - **Borrowing** in Rust is keeping in Python: loans and requests lie with what they borrow from (`family.rs`).
#![deny(unsafe_code)]

mod buffer;
mod discovery;
mod failure;
mod family;
mod held;
mod input;
mod loan;
mod log;
mod numpy;
mod publisher;
mod request;
mod sample;
mod sole;
mod stream;
mod subscriber;
mod topic;
mod waiting;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _xbar {
    #[pymodule_export]
    use crate::discovery::discover;
    #[pymodule_export]
    use crate::loan::Loan;
    #[pymodule_export]
    use crate::log::{Reader, Record, Writer};
    #[pymodule_export]
    use crate::publisher::Publisher;
    #[pymodule_export]
    use crate::request::{Client, Reply, Request, Server};
    #[pymodule_export]
    use crate::sample::Sample;
    #[pymodule_export]
    use crate::stream::Stream;
    #[pymodule_export]
    use crate::subscriber::Subscriber;
    #[pymodule_export]
    use crate::topic::Topic;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("INLINE_BYTES", xbar::INLINE_BYTES)
    }
}
