//! A whole region in files, used through the public face while bytes of the files change: publishers, subscribers, a bus and
//! those who look, in one process.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process;

use xbar::doctor::{Treatment, examine_in};
use xbar::{
    BusConfig, BusSubscriber, Config, OwnedSample, PodBus, Publisher, Stream, Structured, Subscriber, Topic,
    TopicConfig, TypedStream, TypedTopic, audit_in, discover_in,
};
use xbar_discovery::RegionView;
use xbar_layout::Geometry;
use xbar_layout::sync::{AtomicU32, Ordering};
use xbar_shm::{BaseDir, RegionName};

use crate::bytes::Bytes;

/// Things done with one region: more would only repeat themselves.
const MOST_STEPS: usize = 256;

/// Topics of bytes, by their names.
const URIS: [&str; 4] = ["/lossy", "/lossless", "/many", "/pinned"];

/// Bytes of the largest message.
const MOST_BYTES: usize = 200;

type Value = [u64; 9];

/// A region, and a bus, of which any byte of both files may change.
pub fn region(bytes: &[u8]) {
    run(bytes, &whole_files);
}

/// The same, where the records of participants change, and what says how many there are.
pub fn participants(bytes: &[u8]) {
    run(bytes, &|geometry, bytes| {
        let records = geometry.peers_bytes - geometry.records_offset;
        let record = bytes.below(records / geometry.record_stride)? * geometry.record_stride;
        let used = geometry.cells_offset + 64;
        Some(match bytes.byte()? % 8 {
            0 => (true, bytes.below(geometry.records_offset / 8)?),
            _ => (true, (geometry.records_offset + record) / 8 + bytes.below(used / 8)?),
        })
    });
}

/// Which word is damaged: in `peers`, or in `data`; its number.
type Where<'w> = &'w dyn Fn(&Geometry, &mut Bytes<'_>) -> Option<(bool, usize)>;

fn whole_files(geometry: &Geometry, bytes: &mut Bytes<'_>) -> Option<(bool, usize)> {
    let within =
        |bytes: &mut Bytes<'_>, from: usize, to: usize| Some(from / 8 + bytes.below((to - from) / 8)?);
    let pool = geometry.pools().first();
    let data = geometry.data_bytes;
    Some(match bytes.byte()? % 8 {
        0 => (false, within(bytes, 0, 384)?),
        1 => (false, within(bytes, geometry.index_offset, geometry.rings_offset)?),
        2..=4 => {
            (false, within(bytes, geometry.rings_offset, pool.map_or(data, |pool| pool.free_list_offset))?)
        }
        5 => (false, pool.map_or(Some(0), |pool| within(bytes, pool.free_list_offset, pool.blocks_offset))?),
        6 => (true, within(bytes, 0, geometry.peers_bytes)?),
        _ => (false, within(bytes, 0, data)?),
    })
}

/// A directory that goes when this does.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // ORDERING: none; a number.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let dir = parent.join(format!("xbar-hostile-{}-{number}", process::id()));
        fs::create_dir(&dir).expect("a directory");
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files of one region, to be damaged.
struct Files {
    geometry: Geometry,
    data: File,
    peers: File,
}

impl Files {
    fn open(dir: &Path, name: &str) -> Self {
        let region = RegionName::new(name).expect("a name");
        let view = RegionView::open(&BaseDir::at(dir), &region).expect("a region");
        let file =
            |file| OpenOptions::new().read(true).write(true).open(dir.join(name).join(file)).expect("a file");
        Self { geometry: view.facts().geometry, data: file("data"), peers: file("peers") }
    }

    fn damage(&self, place: Where<'_>, bytes: &mut Bytes<'_>) -> Option<()> {
        let (in_peers, word) = place(&self.geometry, bytes)?;
        let file = if in_peers { &self.peers } else { &self.data };
        let mut eight = [0; 8];
        file.read_exact_at(&mut eight, 8 * word as u64).expect("within the file");
        let damaged = bytes.damage(u64::from_ne_bytes(eight))?;
        file.write_all_at(&damaged.to_ne_bytes(), 8 * word as u64).expect("within the file");
        Some(())
    }
}

/// Everybody at work on it. Fields go in this order: handles before the directory.
struct Scene {
    samples: Vec<OwnedSample>,
    streams: Vec<Option<Stream>>,
    typed_stream: TypedStream<Value>,
    subscriber: Subscriber,
    topics: Vec<Topic>,
    second_topic: Topic,
    typed: TypedTopic<Value>,
    bus: PodBus<Value>,
    bus_readers: [BusSubscriber<Value>; 2],
    second: Publisher,
    first: Publisher,
    region: Files,
    bus_files: Files,
    dir: Dir,
}

fn topic_config(place: usize) -> TopicConfig {
    let config = TopicConfig::new().max_bytes(MOST_BYTES as u32);
    match place {
        0 => config,
        1 => config.lossless(),
        2 => config.many_publishers(),
        _ => config.pinned(),
    }
}

impl Scene {
    fn set() -> Self {
        let dir = Dir::new();
        let path = dir.0.as_path();
        let config =
            Config::new().topics(7).depth(4).block_bytes(MOST_BYTES as u32).publishers(3).subscribers(4);
        let config = config.samples(2).loans(2).lossless_streams(2).dir(path);
        let first = Publisher::create("r", &config).expect("a region");
        let register =
            |place: usize| first.register_with(URIS[place], &topic_config(place)).expect("a topic");
        let topics: Vec<_> = (0..URIS.len()).map(register).collect();
        let second = Publisher::open_in(path, "r").expect("a seat");
        let second_topic = second.register_with("/many", &topic_config(2)).expect("a topic");
        let typed = first.register_typed("/typed").expect("a topic");
        let subscriber = Subscriber::connect_in(path, "r").expect("a seat");
        let streams = URIS.iter().map(|uri| Some(subscriber.subscribe(uri).expect("a topic"))).collect();
        let typed_stream = subscriber.subscribe_typed("/typed").expect("a topic");
        let buses = BusConfig::new().subscribers(3).dir(path);
        let bus = PodBus::create_with("b", 4, &buses).expect("a bus");
        let bus_readers = [buses.connect("b").expect("a bus"), buses.connect("b").expect("a bus")];
        Self {
            samples: Vec::new(),
            streams,
            typed_stream,
            subscriber,
            topics,
            second_topic,
            typed,
            bus,
            bus_readers,
            second,
            first,
            region: Files::open(path, "r"),
            bus_files: Files::open(path, "b"),
            dir,
        }
    }

    /// One thing done, or one word damaged; `None` at the end of the input.
    fn step(&mut self, place: Where<'_>, bytes: &mut Bytes<'_>) -> Option<()> {
        let what = bytes.byte()?;
        let (what, who) = (what % 16, usize::from(what / 16));
        match what {
            0..=3 => self.region.damage(place, bytes)?,
            4 => self.bus_files.damage(place, bytes)?,
            5 | 6 => {
                let length = bytes.below(MOST_BYTES + 1)?;
                let message = [7; MOST_BYTES];
                let _ = self.first.try_send(&self.topics[who % 4], &message[..length]);
            }
            7 => {
                let _ = self.second.try_send(&self.second_topic, &[1; 100][..who * 6]);
                let _ = self.first.try_send_typed(&self.typed, &[7; 9]);
            }
            8 => self.loan(who),
            9 | 10 => self.receive(who),
            11 => {
                self.samples.pop();
            }
            12 => self.look(who),
            13 => self.come_and_go(who),
            _ => self.use_bus(who),
        }
        Some(())
    }

    fn loan(&self, who: usize) {
        let topic = &self.topics[who % 4];
        let Ok(mut loan) = self.first.loan(topic, 0) else { return };
        let written = loan.write_structured(&[1_u32, 2], &[3_u16; 20]);
        if who < 12 && written.is_ok() {
            let _ = loan.try_publish();
        }
    }

    fn receive(&mut self, who: usize) {
        if who >= 12 {
            let _ = self.typed_stream.try_recv().map(|value| *value);
            return;
        }
        let Some(stream) = &self.streams[who % 4] else { return };
        let found = if who % 4 == 3 { stream.try_recv_pinned() } else { stream.try_recv() };
        let _ = (stream.pending(), stream.received(), stream.missed(), stream.is_connected());
        if let Ok(sample) = found {
            let _ = sample.iter().map(|byte| u64::from(*byte)).sum::<u64>();
            let _ = (sample.sequence(), sample.publish_time());
            let _ = sample.read_header::<[u32; 2]>().map(|header| header[0]);
            let _ = sample.read_array::<u16>().map(|elements| elements.len());
            if who >= 8 {
                self.samples.push(sample.into_owned());
            }
        }
    }

    fn look(&self, who: usize) {
        let found = discover_in(&self.dir.0, "/**");
        for region in found.expect("a directory that can be read") {
            assert!(region.topics.len() <= 7 && region.participants.len() <= 7);
            let _ = format!("{region:?}");
        }
        for finding in examine_in(&self.dir.0, if who < 8 { Treatment::Look } else { Treatment::Fix }) {
            assert!(!finding.to_string().contains('\n'), "{finding}");
        }
        let _ = ["r", "b"].map(|name| audit_in(&self.dir.0, name).map(|account| format!("{account:?}")));
        let _ = (self.first.recover(), self.first.strays());
        let _ = (self.subscriber.topics(), self.subscriber.epoch(), self.subscriber.publisher_count());
        let _ = (self.first.subscriber_count(), self.first.reader_count(&self.topics[1]));
    }

    fn come_and_go(&mut self, who: usize) {
        let dir = &self.dir.0;
        match who {
            0..=3 => {
                self.streams[who] = None;
                self.streams[who] = self.subscriber.subscribe_from_oldest(URIS[who]).ok();
            }
            4..=6 => {
                if let Ok(other) = Subscriber::connect_in(dir, "r") {
                    let stream = other.subscribe_last(URIS[who % 4], 2);
                    let _ = stream.map(|stream| stream.try_recv().map(|sample| sample.len()));
                }
            }
            7..=9 => {
                if let Ok(other) = Publisher::open_in(dir, "r") {
                    let topic = other.register_with("/many", &topic_config(2));
                    let _ = topic.map(|topic| other.try_send(&topic, &[3; 150]));
                }
            }
            10 => {
                let _ = self.first.register("/new").map(|topic| self.first.try_send(&topic, b"new"));
            }
            11 => {
                let buses = BusConfig::new().subscribers(3).dir(dir);
                let _ = buses.connect_from_oldest::<Value>("b").map(|mut reader| reader.try_recv());
            }
            12 => {
                let _ = self
                    .second
                    .register_with("/many", &topic_config(2))
                    .map(|topic| self.second_topic = topic);
            }
            _ => {
                let (many, again) =
                    (self.topics.remove(2), self.first.register_with("/many", &topic_config(2)));
                drop(again);
                self.topics.insert(2, many);
            }
        }
    }

    fn use_bus(&mut self, who: usize) {
        let reader = &mut self.bus_readers[who % 2];
        match who / 2 {
            0..=2 => {
                let _ = self.bus.try_publish(&[5; 9]);
            }
            3 => {
                let _ = reader.latest();
            }
            4 => {
                let _ = reader.recv_batch(&mut [[0; 9]; 3]);
            }
            5 => {
                // Damage may make it look endless: it is the caller who goes on.
                let _ = reader.drain().take(64).count();
            }
            _ => {
                let _ = reader.try_recv();
            }
        }
        let _ = (reader.pending(), reader.total_received(), reader.total_missed(), reader.receive_ratio());
        let _ = (self.bus.published(), self.bus.subscriber_count(), self.bus.epoch());
    }
}

fn run(bytes: &[u8], place: Where<'_>) {
    let mut scene = Scene::set();
    let mut bytes = Bytes(bytes);
    for _ in 0..MOST_STEPS {
        if scene.step(place, &mut bytes).is_none() {
            break;
        }
    }
}
