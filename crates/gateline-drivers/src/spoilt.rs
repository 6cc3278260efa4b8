//! Spoilt input for tests: samples with bytes changed, cut away, moved and repeated; the same ones at every run.

/// Inputs made of each sample.
const INPUTS: u64 = 2_000;
/// Most bytes of an input.
const INPUT_BYTES_MAX: usize = 256 * 1024;

/// Feeds a reader with spoilt samples. That it reads or refuses them is its own; that it ends and does not panic is the claim.
pub(crate) fn spoilt(samples: &[&[u8]], read: impl Fn(&[u8])) {
    for (index, sample) in samples.iter().enumerate() {
        read(sample);
        for seed in 0..INPUTS {
            let told = Told(index, seed);
            read(&spoil(sample, seed));
            drop(told);
        }
    }
}

/// Says which input it was, where a reader panics.
struct Told(usize, u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("sample {}, seed {}", self.0, self.1);
        }
    }
}

fn spoil(sample: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let mut bytes = sample.to_vec();
    for _ in 0..=draw(6) {
        let (at, more) = (draw(bytes.len()), draw(40));
        let end = (at + more).min(bytes.len());
        match draw(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = draw(bytes.len());
                bytes.splice(to..to, piece);
            }
            3 => {
                let piece = bytes[at..end].repeat(1 + draw(500));
                bytes.splice(at..at, piece);
            }
            4 => {
                let odd: &[&[u8]] = &[
                    b"\0",
                    b"\"",
                    b"\\",
                    b"[",
                    b"{",
                    b"}",
                    b",",
                    b"NaN",
                    b"1e999",
                    b"-1",
                    b"99999999999999999999",
                    b"\xff\xfe",
                    "\u{202e}".as_bytes(),
                    b"\r\n",
                    b" ",
                    b"null",
                    b"%",
                    b"=",
                    b"..",
                ];
                bytes.splice(at..at, odd[draw(odd.len())].iter().copied());
            }
            5 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1 << draw(8)),
            _ => {
                let opener: &[u8] = if draw(2) == 0 { b"[" } else { b"{\"a\":" };
                bytes.splice(at..at, opener.repeat(draw(5_000)));
            }
        }
        bytes.truncate(INPUT_BYTES_MAX);
    }
    bytes
}
