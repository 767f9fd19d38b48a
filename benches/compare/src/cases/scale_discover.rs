//! How looking around grows: with the regions that there are, and with the topics of one.
//!
//! The regions lie in a folder of their own, whatever else is on the machine. Who asks gets a description of each topic, so this
//! grows with their number; the curves are there to be seen, not to be flat.

use std::hint::black_box;

use xbar::{Config, Publisher, Topic, discover_in};

use crate::bus::fresh_name;
use crate::case::{Case, Contender, kept};
use crate::cases::scale::LEAST;
use crate::clock::time;
use crate::contract::{Outcome, told};
use crate::folder::Folder;

const REGIONS: [u64; 4] = [1, 10, 100, 1000];
const TOPICS: [u64; 3] = [1, 100, 10_000];

/// What there is to be found.
#[derive(Debug, Clone, Copy)]
struct Extent {
    regions: u64,
    /// In each of them.
    topics: u64,
}

/// The cases.
pub fn cases() -> Vec<Case> {
    let mut cases = series("scale: discover, regions", &REGIONS, |at| Extent { regions: at, topics: 1 });
    cases.extend(series("scale: discover, topics", &TOPICS, |at| Extent { regions: 1, topics: at }));
    cases
}

fn series(name: &'static str, points: &[u64], extent: impl Fn(u64) -> Extent) -> Vec<Case> {
    let least = extent(points[0]);
    let case = |at: &u64| {
        let case = Case::new("scale", name, 8).at(*at).ours(contender("xbar", extent(*at)));
        case.peer(contender(LEAST, least))
    };
    points.iter().map(case).collect()
}

fn contender(name: &'static str, extent: Extent) -> Contender {
    kept(
        name,
        move || Regions::open(extent),
        move |regions, plan| {
            let found = || discover_in(regions.folder.path(), black_box("/scale/**")).expect("regions");
            if found().iter().map(|region| region.topics.len() as u64).sum::<u64>()
                != extent.regions * extent.topics
            {
                return Err("not all that is there was found".into());
            }
            Ok(time(plan, |_| {
                black_box(found());
            }))
        },
    )
}

/// Regions in a folder. It goes last.
struct Regions {
    _publishers: Vec<(Vec<Topic>, Publisher)>,
    folder: Folder,
}

impl Regions {
    fn open(extent: Extent) -> Outcome<Self> {
        let folder = Folder::create(&fresh_name())?;
        let topics = u32::try_from(extent.topics).map_err(told)?;
        let small = Config::new().topics(topics).depth(2).block_bytes(64).publishers(1).subscribers(1);
        let config = small.samples(1).loans(1).dir(folder.path());
        let region = |index| {
            let publisher = Publisher::create(&format!("region-{index}"), &config).map_err(told)?;
            let register = |index| publisher.register(&format!("/scale/{index}")).map_err(told);
            let topics = (0..topics).map(register).collect::<Outcome<Vec<_>>>()?;
            Ok((topics, publisher))
        };
        let publishers = (0..extent.regions).map(region).collect::<Outcome<Vec<_>>>()?;
        Ok(Self { _publishers: publishers, folder })
    }
}
