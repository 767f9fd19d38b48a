//! What is there: regions and topics, as named tuples of `xbar/_records.py`.

use std::path::PathBuf;

use pyo3::prelude::*;
use xbar::{RegionInfo, TopicInfo};

use crate::failure::Failure;
use crate::topic::word;

/// The regions with a topic that matches `pattern` (`*`: one segment, `**`: any number), and those topics; all regions for `/**`.
#[pyfunction]
#[pyo3(signature = (pattern="/**", *, dir=None))]
pub(crate) fn discover<'py>(
    py: Python<'py>,
    pattern: &str,
    dir: Option<PathBuf>,
) -> Result<Vec<Bound<'py, PyAny>>, Failure> {
    let found = py.detach(|| match dir {
        Some(dir) => xbar::discover_in(dir, pattern),
        None => xbar::discover(pattern),
    })?;
    let records = py.import("xbar._records")?;
    let (region, topic) = (records.getattr("RegionInfo")?, records.getattr("TopicInfo")?);
    Ok(found.into_iter().map(|info| describe(&region, &topic, info)).collect::<PyResult<_>>()?)
}

fn describe<'py>(
    region: &Bound<'py, PyAny>,
    topic: &Bound<'py, PyAny>,
    info: RegionInfo,
) -> PyResult<Bound<'py, PyAny>> {
    let topics =
        info.topics.into_iter().map(|info| describe_topic(topic, info)).collect::<PyResult<Vec<_>>>()?;
    region.call1((
        info.name,
        info.epoch,
        info.publishers,
        info.subscribers,
        info.footprint_bytes,
        info.created_unix_ns,
        info.creator_pid,
        info.last_active_unix_ns,
        topics,
    ))
}

fn describe_topic<'py>(topic: &Bound<'py, PyAny>, info: TopicInfo) -> PyResult<Bound<'py, PyAny>> {
    topic.call1((
        info.uri,
        info.published,
        info.publishers,
        word(info.delivery),
        info.many_publishers,
        info.value_type,
        info.depth,
        info.block_bytes,
        info.capacity_bytes,
    ))
}
