//! The byte ring: a stream of messages of any length, one writer, any number of readers, lossy, marked ahead.
//!
//! - **Allocates?** Only the constructors. **Blocks?** Only the waiting forms of receiving.
//! - **Who may call?** Every end belongs to one thread at a time; make as many subscribers as you need.
//! - **Loses?** The writer never waits. A subscriber that is overtaken learns exactly how many messages it missed:
//!   received + skipped by its own filter + missed = sent, always.
//! - **How long is a message?** Up to a quarter of the ring, less a word: so the newest message stays readable while the next
//!   one is written, however long both are. A longer one is an error that says so.
//!
//! ```
//! use xbar_ring::TryRecvError;
//!
//! let (mut publisher, subscribers) = xbar_ring::bytes::channel(64 << 10);
//! let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 1024]);
//! publisher.send(b"a few bytes")?;
//! publisher.send_as(7, &[1; 1000])?;
//!
//! assert_eq!(subscriber.try_recv(&mut buffer)?.bytes, b"a few bytes");
//! let message = subscriber.recv(&mut buffer)?;
//! assert_eq!((message.kind, message.bytes.len()), (7, 1000));
//! assert_eq!(subscriber.try_recv(&mut buffer), Err(TryRecvError::Empty));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! When not to use it: for values of one type ([`channel`](crate::channel())), or when nothing may be lost
//! ([`channel_bounded`](crate::channel_bounded())).
//!
//! # Memory
//!
//! `capacity` bytes, a power of two, in eight *sections*, and four lines in front of them:
//!
//! ```text
//! line 0      claimed     the end of what the writer may have overwritten: always a section's
//! line 1      committed   the end of what was sent
//! lines 2, 3  notes       for each section: the position of its first frame (| 1), and that message's number
//! ring        frames      { bytes: u32, flags: u16, kind: u16 }, then the message, up to the next word
//! ```
//!
//! Positions count bytes from the beginning of the stream and never wrap in practice: 29 years at 20 GB/s. A frame never
//! wraps around the ring's end: what does not fit there begins anew, and a frame without a message, *padding*, says so.
//!
//! # Why a reader needs one line
//!
//! The first word of the frame that the writer will write next is zero, the *mark*, before the frame in front of it is there:
//!
//! ```text
//! send(p, next):  claimed <- end of section(next)    release, when it is not there already: now and then
//!                 fence(release)
//!                 bytes(p)                           relaxed
//!                 head(next) <- 0                    relaxed
//!                 head(p)    <- { bytes, kind }      release
//!                 note(section(next))                release, for the first frame of a section
//!                 committed  <- next                 release: for joiners, batches and windows
//!
//! receive(p):     head(p)                            relaxed, fence(acquire)
//!                 copy of bytes(p)                   relaxed
//!                 fence(acquire)
//!                 claimed - p <= capacity?           relaxed
//! ```
//!
//! So a reader that waits polls the word beside the message, and no counter. `claimed` is on a line that is written eight times
//! a lap and otherwise stays where it is read. A reader believes what it read only if `claimed` says so afterwards. Then that
//! was frame p, or its mark:
//!
//! 1. *Not newer.* Say a word was of a position p + k * capacity, k >= 1. Before the writer stored it, it had raised `claimed`
//!    above p + capacity and made a release fence. The reader's acquire fence stands behind its load of the word, so the two
//!    fences synchronise, and the look at `claimed` finds too much. What was read is thrown away, whatever it seemed to be: a
//!    frame, padding, or a mark, so that "nothing new" is believed only with the same look.
//! 2. *Not older.* Whoever waits at p came there by the head of the frame in front (or by a note, or by `committed`), all of
//!    which are released behind the mark at p. So it finds that mark, or what came later.
//! 3. *Whole.* A head that is not the mark was released behind the bytes.
//!
//! Bytes are copied by relaxed atomic accesses on both sides, so what is thrown away is no data race either.
//!
//! # Why every lost message is counted
//!
//! A reader counts messages as it passes them. One that was overtaken goes to the first noted frame behind the oldest section that
//! is not claimed again: the note says which message that is. A note of section s is written again for section s + 8, which
//! lies above what `claimed` must have said before (case 1), so the same look at `claimed` tells whether position and number
//! are of s; and a section has a note or no frame begins in it. Frames and padding are at most a quarter of the ring, so some
//! later section has one. At least one more section must be claimed before the reader can be overtaken again.

mod batch;
mod channel;
mod destination;
mod error;
mod fixed;
mod frame;
mod lookout;
mod memory;
mod reader;
mod subscriber;
mod waiting;
mod writer;

pub use batch::{ByteBatch, ByteWindow};
pub use channel::{BytePublisher, ByteSubscribers};
#[cfg(feature = "alloc")]
pub use channel::{channel, channel_bytes, channel_in};
pub use destination::Destination;
pub use error::{ByteRingError, TooLarge};
pub use fixed::{FixedBytePublisher, FixedByteRing, FixedByteSubscribers};
pub use lookout::{Alone, ByteAccount, Lookout};
pub use memory::{LEAST_BYTES, MOST_BYTES, RING_WORD, ring_words};
pub use reader::{BytePoll, ByteReader, Frame};
pub use subscriber::{ByteSubscriber, Message};
pub use writer::{ByteClaim, ByteWriter};
