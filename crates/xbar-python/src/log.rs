//! Streams of messages kept on disk, as `xbar.log`.

mod reader;
mod record;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use record::Record;
pub(crate) use writer::Writer;
