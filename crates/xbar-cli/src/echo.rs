//! `xbar echo`: messages as they come, one a line.

mod bytes;

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use xbar::{Pattern, RecvError, RegionError, Stream, Subscriber, TryRecvError, Uri};

use crate::signals::Stop;
use crate::{Dir, Result};

/// What to print.
#[derive(clap::Args)]
pub struct Arguments {
    /// The region, waited for if it is not there
    region: String,
    /// Topics, such as /tick/AAPL, /tick/* or /**
    pattern: String,
    /// Messages after which to end
    #[arg(long)]
    count: Option<u64>,
    /// Seconds without a message after which to give up
    #[arg(long, value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print bytes as hexadecimal numbers
    #[arg(long)]
    hex: bool,
    /// Begin with what was published before and is still there
    #[arg(long)]
    history: bool,
}

/// A number of seconds, possibly with a fraction.
pub fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a possible number of seconds".to_owned())
}

/// How long one wait lasts before the flag, the topics and the timeout are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Between two looks at several streams at once.
const PAUSE: Duration = Duration::from_micros(500);

/// Prints until there was enough, nothing comes any more, or the user has enough.
pub fn run(dir: Dir<'_>, arguments: &Arguments) -> Result {
    let pattern = Pattern::new(&arguments.pattern)?;
    let stop = Stop::on_signals()?;
    let start = Instant::now();
    let Some(subscriber) = connect(dir, arguments, &stop, start)? else { return Ok(ExitCode::SUCCESS) };
    let mut echo = Echo { streams: Vec::new(), seen: 0, printed: 0, last: Instant::now(), arguments };
    if let Some(uri) = echo.subscribe(dir, &subscriber, &pattern, arguments.history)? {
        drop((echo, subscriber)); // one seat is enough
        return bytes::run(dir, arguments, &uri, arguments.history, &stop);
    }
    loop {
        let printed = echo.print_what_is_there()?;
        if stop.wanted() || arguments.count.is_some_and(|count| echo.printed >= count) {
            return Ok(ExitCode::SUCCESS);
        }
        if printed {
            continue;
        }
        if let Some(timeout) = arguments.timeout
            && echo.last.elapsed() >= timeout
        {
            return Err(
                format!("no message on {pattern} of region {} for {timeout:?}", arguments.region).into()
            );
        }
        // Asked before the topics are: one that came, spoke and left in between is then still found.
        let ended = subscriber.publisher_count() == 0;
        // Topics that came later: everything on them is new.
        if let Some(uri) = echo.subscribe(dir, &subscriber, &pattern, true)? {
            drop((echo, subscriber));
            return bytes::run(dir, arguments, &uri, true, &stop);
        }
        if ended && !echo.print_what_is_there()? {
            eprintln!("xbar: region {} ended: its publishers are gone", arguments.region);
            return Ok(ExitCode::SUCCESS);
        }
        echo.wait()?;
    }
}

fn connect(dir: Dir<'_>, arguments: &Arguments, stop: &Stop, start: Instant) -> Result<Option<Subscriber>> {
    loop {
        let tried = match dir {
            Some(dir) => Subscriber::connect_timeout_in(dir, &arguments.region, LOOK),
            None => Subscriber::connect_timeout(&arguments.region, LOOK),
        };
        match tried {
            Ok(subscriber) => return Ok(Some(subscriber)),
            Err(RegionError::TimedOut { last, .. }) => {
                if let Some(timeout) = arguments.timeout
                    && start.elapsed() >= timeout
                {
                    return Err(format!("gave up after {timeout:?}: {last}").into());
                }
            }
            Err(error) => return Err(error.into()),
        }
        if stop.wanted() {
            return Ok(None);
        }
    }
}

struct Echo<'a> {
    streams: Vec<Stream>,
    /// Topics of the region that were looked at.
    seen: usize,
    printed: u64,
    last: Instant,
    arguments: &'a Arguments,
}

impl Echo<'_> {
    /// Subscribes to the topics that match and were not there the last time; but a byte bus, which has its region for itself, is
    /// only named.
    fn subscribe(
        &mut self,
        dir: Dir<'_>,
        subscriber: &Subscriber,
        pattern: &Pattern,
        from_oldest: bool,
    ) -> Result<Option<String>> {
        let topics = subscriber.topics();
        for topic in topics.iter().skip(self.seen) {
            if !pattern.matches(&Uri::new(topic)?) {
                continue;
            }
            let stream = if from_oldest {
                subscriber.subscribe_from_oldest(topic)
            } else {
                subscriber.subscribe(topic)
            };
            match stream {
                Ok(stream) => self.streams.push(stream),
                Err(RegionError::Differs { .. })
                    if bytes::is_byte_bus(dir, &self.arguments.region, topic) =>
                {
                    return Ok(Some(topic.clone()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.seen = topics.len();
        Ok(None)
    }

    /// Prints all that can be had at once, up to the count; says whether there was anything.
    fn print_what_is_there(&mut self) -> Result<bool> {
        let mut any = false;
        let mut out = std::io::stdout().lock();
        let streams = std::mem::take(&mut self.streams);
        for stream in &streams {
            while self.arguments.count.is_none_or(|count| self.printed < count) {
                match stream.try_recv() {
                    Ok(sample) => {
                        writeln!(out, "{}: {}", stream.uri(), text(&sample, self.arguments.hex))?;
                        self.printed += 1;
                        any = true;
                    }
                    Err(TryRecvError::Lagged { missed }) => {
                        eprintln!("xbar: {}: missed {missed}", stream.uri())
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.streams = streams;
        if any {
            out.flush()?;
            self.last = Instant::now();
        }
        Ok(any)
    }

    /// Waits for something on the one stream, asleep; or a little, when there are several or none.
    fn wait(&mut self) -> Result<()> {
        let [stream] = &self.streams[..] else {
            std::thread::sleep(if self.streams.is_empty() { LOOK } else { PAUSE });
            return Ok(());
        };
        let line = match stream.recv_with_timeout(xbar::Park, LOOK) {
            Ok(sample) => format!("{}: {}", stream.uri(), text(&sample, self.arguments.hex)),
            Err(RecvError::Lagged { missed }) => {
                eprintln!("xbar: {}: missed {missed}", stream.uri());
                return Ok(());
            }
            Err(RecvError::Disconnected) => {
                std::thread::sleep(LOOK); // another publisher may take the topic over
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}")?;
        if !out.is_terminal() {
            out.flush()?;
        }
        self.printed += 1;
        self.last = Instant::now();
        Ok(())
    }
}

/// A payload on one line: text with control characters escaped, or hexadecimal.
pub fn text(payload: &[u8], hex: bool) -> String {
    let mut line = String::with_capacity(payload.len());
    if hex {
        for byte in payload {
            let _ = write!(line, "{byte:02x}"); // a String takes everything
        }
        return line;
    }
    for character in String::from_utf8_lossy(payload).chars() {
        if character.is_control() && character != '\t' {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
