//! Splits a JSON array, or objects that follow each other (NDJSON), into the bytes of its items
//! without building any value: it follows strings, escapes and brackets only. Whether an item is
//! well-formed inside is for whoever parses it.

use std::io::{self, Read};

use super::{MAX_DEPTH, StructureError};

const CHUNK: usize = 256 * 1024;

/// One item as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its number, from 0.
    pub index: u64,
    /// Where it begins, in bytes after unpacking.
    pub offset: u64,
    /// Its bytes, or why they were not kept.
    pub bytes: Result<&'a [u8], Oversize>,
}

/// Why the bytes of an item were not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// It has more bytes than the limit.
    Bytes,
    /// It is nested deeper than [`MAX_DEPTH`].
    Depth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The first byte of the file.
    Start,
    /// An item, or the end of an array that holds none.
    FirstOrEnd,
    /// An item: a comma came before.
    Item,
    /// A comma, or the end of the array.
    CommaOrEnd,
    /// An object or the end of the file.
    Line,
    /// Nothing but white space.
    Nothing,
}

/// The splitter. Reads from `R` in chunks.
pub struct Splitter<R> {
    source: R,
    /// Bytes of the file up to `end`; what lies behind is room.
    buffer: Vec<u8>,
    end: usize,
    /// The next byte to look at, in `buffer`.
    next: usize,
    /// Bytes that lie before `buffer` in the file.
    passed: u64,
    ended: bool,
    expect: Expect,
    index: u64,
    max_item: usize,
}

/// Where the scan of one item stands between two chunks.
#[derive(Default)]
struct Nesting {
    depth: u32,
    /// One bit a level, lowest the innermost: set for an object.
    objects: u64,
    in_string: bool,
    /// The last byte of the chunk was a backslash within a string.
    escaped: bool,
    too_deep: bool,
}

/// The bytes that mean something outside strings. Scans are indented: most bytes there are spaces.
static ACTS: [bool; 256] = {
    let mut acts = [false; 256];
    let bytes = b"\"{}[]";
    let mut at = 0;
    while at < bytes.len() {
        acts[bytes[at] as usize] = true;
        at += 1;
    }
    acts
};

enum Step {
    /// The item ends before this position of the buffer.
    End(usize),
    /// The chunk is used up.
    More,
}

impl<R: Read> Splitter<R> {
    /// Splits what `source` gives; items of more than `max_item` bytes are passed over.
    pub fn new(source: R, max_item: usize) -> Self {
        Self {
            source,
            buffer: vec![0; CHUNK],
            end: 0,
            next: 0,
            passed: 0,
            ended: false,
            expect: Expect::Start,
            index: 0,
            max_item,
        }
    }

    /// The next item, or `None` at the end of a whole file.
    ///
    /// # Errors
    /// At the first fault of the structure; nothing is given after it.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, StructureError> {
        let Some(first) = self.find_item()? else { return Ok(None) };
        let offset = self.passed + self.next as u64;
        let (range, fault) = match first {
            b'{' | b'[' | b'"' => self.compound()?,
            _ => self.scalar()?,
        };
        let index = self.index;
        self.index += 1;
        if self.expect != Expect::Line {
            self.expect = Expect::CommaOrEnd;
        }
        let bytes = fault.map_or_else(|| Ok(&self.buffer[range]), Err);
        Ok(Some(Piece { index, offset, bytes }))
    }

    /// Goes to the first byte of the next item and gives it.
    fn find_item(&mut self) -> Result<Option<u8>, StructureError> {
        loop {
            let Some(byte) = self.peek()? else {
                return match self.expect {
                    Expect::Start => Err(StructureError::Empty),
                    Expect::Line | Expect::Nothing => Ok(None),
                    _ => Err(self.truncated()),
                };
            };
            let white = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            match (self.expect, byte) {
                (_, _) if white => self.next += 1,
                (Expect::Start, b'[') => self.step(Expect::FirstOrEnd),
                (Expect::Start, b'{') => self.expect = Expect::Line,
                (Expect::Start, 0xEF) if self.byte_order_mark()? => {}
                (Expect::Start, other) => {
                    return Err(StructureError::NotAnArray { found: describe(other) });
                }
                (Expect::FirstOrEnd | Expect::CommaOrEnd, b']') => self.step(Expect::Nothing),
                (Expect::CommaOrEnd, b',') => self.step(Expect::Item),
                (Expect::CommaOrEnd, _) => {
                    return Err(self.broken("a comma or the end of the array was expected"));
                }
                (Expect::FirstOrEnd | Expect::Item, b',' | b']' | b'}' | b':') => {
                    return Err(self.broken("an item was expected"));
                }
                (Expect::FirstOrEnd | Expect::Item, _) => return Ok(Some(byte)),
                (Expect::Line, b'{') => return Ok(Some(byte)),
                (Expect::Line, _) => {
                    return Err(self.broken("each line must hold one JSON object"));
                }
                (Expect::Nothing, _) => {
                    return Err(StructureError::Trailing { offset: self.offset() });
                }
            }
        }
    }

    fn step(&mut self, expect: Expect) {
        self.next += 1;
        self.expect = expect;
    }

    /// Passes over the byte order mark of UTF-8, which some tools write before the array.
    fn byte_order_mark(&mut self) -> Result<bool, StructureError> {
        while self.end - self.next < 3 && self.fill()? {}
        let found =
            self.offset() == 0 && self.buffer[self.next..self.end].starts_with(b"\xEF\xBB\xBF");
        if found {
            self.next += 3;
        }
        Ok(found)
    }

    /// Follows an object, an array or a string to its end.
    fn compound(&mut self) -> Result<(std::ops::Range<usize>, Option<Oversize>), StructureError> {
        let mut nesting = Nesting::default();
        let (mut start, mut at, mut dropped) = (self.next, self.next, false);
        loop {
            match nesting.scan(&self.buffer[..self.end], at) {
                Ok(Step::End(end)) => {
                    self.next = end;
                    dropped |= end - start > self.max_item;
                    let fault = if dropped {
                        Some(Oversize::Bytes)
                    } else {
                        nesting.too_deep.then_some(Oversize::Depth)
                    };
                    return Ok((start..end, fault));
                }
                Ok(Step::More) => {}
                Err(position) => {
                    self.next = position;
                    return Err(self.broken("a bracket closes what was not opened"));
                }
            }
            at = self.end;
            if dropped || at - start > self.max_item {
                dropped = true;
                start = at;
            }
            // Keep the item's beginning, drop what lies before it.
            self.next = start;
            let shift = self.next;
            if !self.fill()? {
                self.next = self.end;
                return Err(self.truncated());
            }
            start -= shift;
            at -= shift;
        }
    }

    /// Follows a number, `true`, `false`, `null` or nonsense to the comma or bracket behind it.
    fn scalar(&mut self) -> Result<(std::ops::Range<usize>, Option<Oversize>), StructureError> {
        let mut start = self.next;
        let mut at = start;
        loop {
            let end = self.buffer[at..self.end]
                .iter()
                .position(|byte| matches!(byte, b',' | b']' | b'}' | b'\n' | b' ' | b'\t' | b'\r'));
            at = end.map_or(self.end, |length| at + length);
            if at - start > self.max_item {
                return Err(self.broken("a value without an end"));
            }
            if end.is_some() {
                self.next = at;
                return Ok((start..at, None));
            }
            let shift = start;
            if !self.fill()? {
                self.next = self.end;
                return Err(self.truncated());
            }
            start -= shift;
            at -= shift;
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, StructureError> {
        while self.next == self.end {
            if !self.fill()? {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer[self.next]))
    }

    /// Drops what lies before `next` and reads a chunk behind the rest; `next` becomes 0. False at
    /// the end of the source, where nothing is moved.
    fn fill(&mut self) -> Result<bool, StructureError> {
        if self.ended {
            return Ok(false);
        }
        self.passed += self.next as u64;
        self.buffer.copy_within(self.next..self.end, 0);
        self.end -= self.next;
        self.next = 0;
        if self.end < CHUNK && self.buffer.len() > 8 * CHUNK {
            // An item that was large leaves no large buffer behind.
            self.buffer.truncate(2 * CHUNK);
            self.buffer.shrink_to_fit();
        }
        if self.buffer.len() - self.end < CHUNK / 2 {
            self.buffer.resize(self.end + CHUNK, 0);
        }
        let read = loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(super::unpack::structure_error)?,
            }
        };
        self.end += read;
        self.ended = read == 0;
        Ok(true)
    }

    fn offset(&self) -> u64 {
        self.passed + self.next as u64
    }

    fn truncated(&self) -> StructureError {
        StructureError::Truncated { offset: self.offset(), index: self.index }
    }

    fn broken(&self, what: &'static str) -> StructureError {
        StructureError::Broken { offset: self.offset(), index: self.index, what }
    }
}

impl Nesting {
    /// Goes on from `at`; the error is the position of a bracket that closes what was not opened.
    fn scan(&mut self, buffer: &[u8], mut at: usize) -> Result<Step, usize> {
        while at < buffer.len() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                match memchr::memchr2(b'"', b'\\', &buffer[at..]) {
                    None => return Ok(Step::More),
                    Some(found) if buffer[at + found] == b'\\' => {
                        self.escaped = true;
                        at += found + 1;
                    }
                    Some(found) => {
                        self.in_string = false;
                        at += found + 1;
                        if self.depth == 0 {
                            return Ok(Step::End(at));
                        }
                    }
                }
                continue;
            }
            let Some(found) = buffer[at..].iter().position(|byte| ACTS[usize::from(*byte)]) else {
                return Ok(Step::More);
            };
            at += found;
            match buffer[at] {
                b'"' => self.in_string = true,
                open @ (b'{' | b'[') => {
                    self.depth = self.depth.saturating_add(1);
                    if self.depth > MAX_DEPTH {
                        self.too_deep = true;
                    } else {
                        self.objects = self.objects << 1 | u64::from(open == b'{');
                    }
                }
                close @ (b'}' | b']') => {
                    if self.depth <= MAX_DEPTH {
                        if (self.objects & 1 == 1) != (close == b'}') {
                            return Err(at);
                        }
                        self.objects >>= 1;
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Step::End(at + 1));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        Ok(Step::More)
    }
}

fn describe(byte: u8) -> String {
    match byte {
        0x20..=0x7E => format!("\"{}\"", char::from(byte)),
        _ => format!("the byte 0x{byte:02X}"),
    }
}

#[cfg(test)]
mod tests;
