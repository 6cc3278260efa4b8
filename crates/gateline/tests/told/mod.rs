//! What a fault run tells: what was done, what is promised, and what was seen. `cargo xtask faults` makes a page of it.

use std::path::PathBuf;

/// Where the parts of the page go; nothing is written where nobody asks.
const FOLDER: &str = "GATELINE_FAULTS";

/// One fault, made on purpose.
pub struct Told {
    name: &'static str,
    text: String,
}

impl Told {
    /// Begins to tell: the fault's name in `cargo xtask faults`, how it is made, and what is promised.
    pub fn of(name: &'static str, made: &str, promised: &str) -> Self {
        let text = format!("**Made.** {made}\n\n**Promised.** {promised}\n\n**Observed.**\n\n");
        Self { name, text }
    }

    /// Tells what was seen.
    pub fn saw(&mut self, what: impl AsRef<str>) {
        self.text.push_str(&format!("- {}\n", what.as_ref()));
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(folder) = std::env::var_os(FOLDER) {
            if std::thread::panicking() {
                self.saw("**The promise was not kept in this run**: the test ended here.");
            }
            let file = PathBuf::from(folder).join(self.name);
            // A run whose part is missing says so on the page.
            let _ = std::fs::write(file, &self.text);
        }
    }
}

/// The line of a program's output that tells something, quoted whatever quotes stand in it.
pub fn line(text: &str, with: &str) -> String {
    let found = text.lines().find(|line| line.contains(with)).unwrap_or(text);
    let found: String = found.trim().chars().take(400).collect();
    format!("`` {found} ``")
}
