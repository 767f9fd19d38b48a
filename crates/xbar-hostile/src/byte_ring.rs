//! A byte ring of which any word may change: writers that send and take over, subscribers that receive in every way.

use std::time::Duration;

use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_ring::bytes::{ByteReader, ByteSubscriber, ByteWriter, RING_WORD, ring_words};
use xbar_ring::{RecvError, TryRecvError};

use crate::bytes::Bytes;
use crate::memory::{Row, row};

/// Things done with one ring: more would only repeat themselves.
const MOST_STEPS: usize = 256;

/// Two subscribers of a ring, and its writer, whoever that is now.
struct Scene {
    words: Row,
    writer: ByteWriter<Row>,
    subscribers: [ByteSubscriber<Row>; 2],
    capacity: usize,
}

/// Any words in a byte ring, at any time: what is received lies within the ring, and every call comes to an end.
pub fn byte_ring(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let Some(power) = bytes.below(5) else { return };
    let capacity = 64 << power;
    let words = row(ring_words(capacity));
    let writer = resume(&words);
    let subscribers = [subscriber(&words, false), subscriber(&words, true)];
    let mut scene = Scene { words, writer, subscribers, capacity };
    for _ in 0..MOST_STEPS {
        if scene.step(&mut bytes).is_none() {
            break;
        }
    }
}

fn resume(words: &Row) -> ByteWriter<Row> {
    ByteWriter::resume(&words.lend(|words| words)).expect("a ring's words")
}

fn subscriber(words: &Row, from_oldest: bool) -> ByteSubscriber<Row> {
    let words = words.lend(|words: &[AtomicU64]| ReadU64::of_slice(words));
    let mut reader = ByteReader::join(&words).expect("a ring's words");
    if from_oldest {
        reader.rewind();
    }
    ByteSubscriber::new(reader)
}

impl Scene {
    /// One thing done, or one word damaged; `None` at the end of the input.
    fn step(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        let which = bytes.below(2)?;
        match bytes.byte()? % 16 {
            // What is in front of the ring says most.
            0..=3 => self.damage(bytes.below(RING_WORD)?, bytes)?,
            4 | 5 => self.damage(bytes.below(ring_words(self.capacity))?, bytes)?,
            6 | 7 => self.send(bytes)?,
            8 => {
                let message = vec![2; bytes.below(self.capacity / 2)?];
                let sent = self.writer.send_batch((0..40).map(|kind| (kind, &message[..])));
                assert_eq!(sent.is_err(), message.len() > self.capacity / 4 - 8);
            }
            9 => self.writer = resume(&self.words),
            10 => self.writer.end(),
            11 => self.subscribers[which] = subscriber(&self.words, which == 0),
            _ => self.receive(which, bytes)?,
        }
        Some(())
    }

    fn damage(&self, place: usize, bytes: &mut Bytes<'_>) -> Option<()> {
        let word = self.words.word(place);
        // ORDERING: none; one thread.
        word.store(bytes.damage(word.load(Ordering::Relaxed))?, Ordering::Relaxed);
        Some(())
    }

    fn send(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        let length = bytes.below(self.capacity / 2)?;
        let is_too_long = length > self.capacity / 4 - 8;
        if length % 2 == 0 {
            assert_eq!(self.writer.send(length as u16, &vec![1; length]).is_err(), is_too_long);
        } else if let Ok(mut claim) = self.writer.claim(length) {
            claim.write(length / 2, &vec![3; length - length / 2]);
            if length % 3 > 0 {
                claim.commit(length as u16);
            }
        }
        Some(())
    }

    fn receive(&mut self, which: usize, bytes: &mut Bytes<'_>) -> Option<()> {
        let (subscriber, capacity) = (&mut self.subscribers[which], self.capacity);
        let (room, how) = (bytes.below(2 * capacity)?, bytes.byte()?);
        let (mut place, mut whole) = (vec![0; room], Vec::new());
        let found = match how % 8 {
            0 => subscriber.try_recv(&mut place),
            1 => subscriber.try_recv_where(&mut place, |kind| kind % 2 == 1),
            2 => subscriber.try_recv_vec(&mut whole),
            3 => subscriber.latest(&mut place),
            4 => subscriber.latest_vec(&mut whole),
            5 => subscriber
                .receive(xbar_ring::Park, Some(Duration::ZERO), |kind| kind > 3, &mut whole)
                .map_err(|error| match error {
                    RecvError::Lagged { missed } => TryRecvError::Lagged { missed },
                    RecvError::TooSmall { needed_bytes } => TryRecvError::TooSmall { needed_bytes },
                    _ => TryRecvError::Empty,
                }),
            6 => {
                // As many as may be there, and no more: damage may make numbers go on for ever.
                let mut batch = subscriber.batch();
                for _ in 0..capacity {
                    if batch.next(&mut place).is_none() {
                        break;
                    }
                }
                return Some(());
            }
            _ => {
                let taken = usize::from(how >> 3);
                if let Ok(window) = subscriber.bulk(&mut place) {
                    assert!(window.take(taken).all(|message| message.bytes.len() < capacity));
                }
                return Some(());
            }
        };
        match found {
            Ok(message) => assert!(message.bytes.len() < capacity),
            Err(TryRecvError::TooSmall { needed_bytes }) => {
                assert!(how % 8 != 2 && how % 8 != 4 && needed_bytes > room && needed_bytes < capacity);
            }
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
        let _ = (subscriber.account(), subscriber.pending_bytes(), subscriber.cursor());
        Some(())
    }
}
