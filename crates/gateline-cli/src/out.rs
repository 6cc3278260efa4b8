//! Where a command writes: data on stdout, talk on stderr.

use std::io::{IsTerminal, Write};

use gateline_api::Exit;
use serde::Serialize;

use crate::failure::Failure;
use crate::options::Color;
use crate::render::Page;

/// Where a command writes.
pub(crate) struct Out {
    data: Box<dyn Write>,
    talk: Box<dyn Write>,
    data_color: bool,
    talk_color: bool,
    form: Form,
    /// Whether there is any talk but errors.
    quiet: bool,
    /// Whether stdout can be drawn over.
    terminal: bool,
    /// Whether stderr can be drawn over.
    talk_terminal: bool,
    /// Whether a line of progress stands there.
    progress: bool,
    /// Lines of the picture that [`Out::redraw`] drew last.
    drawn: usize,
}

/// The form of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Out {
    /// Writes to the process's own streams.
    pub fn standard(form: Form, color: Color, quiet: bool) -> Self {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let colored = |auto: anstream::ColorChoice| match color {
            Color::Auto => auto != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        Self {
            data_color: colored(anstream::AutoStream::choice(&stdout)),
            talk_color: colored(anstream::AutoStream::choice(&stderr)),
            terminal: stdout.is_terminal(),
            talk_terminal: stderr.is_terminal(),
            progress: false,
            data: Box::new(stdout),
            talk: Box::new(stderr),
            form,
            quiet,
            drawn: 0,
        }
    }

    /// Writes elsewhere, without colour.
    #[cfg(test)]
    pub fn to(data: Box<dyn Write>, talk: Box<dyn Write>, form: Form, quiet: bool) -> Self {
        Self {
            data,
            talk,
            data_color: false,
            talk_color: false,
            form,
            quiet,
            terminal: false,
            talk_terminal: false,
            progress: false,
            drawn: 0,
        }
    }

    /// The form of the data.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether data may be coloured.
    pub fn is_colored(&self) -> bool {
        self.data_color
    }

    /// Whether what moves can be drawn over, or is told line by line.
    pub fn can_redraw(&self) -> bool {
        self.terminal && self.form == Form::Text
    }

    /// The answer: as JSON, or as the page that is made for people.
    pub fn answer<T: Serialize>(&mut self, reply: &T, page: impl FnOnce() -> Page) -> Result<(), Failure> {
        match self.form {
            Form::Json => self.json(reply),
            Form::Text => self.page(&page()),
        }
    }

    /// The answer: as JSON, or as text that is ready for people.
    pub fn answer_text<T: Serialize>(&mut self, reply: &T, text: &str) -> Result<(), Failure> {
        match self.form {
            Form::Json => self.json(reply),
            Form::Text => self.text(text),
        }
    }

    /// A page for people.
    pub fn page(&mut self, page: &Page) -> Result<(), Failure> {
        self.text(&page.to_text(self.data_color))
    }

    /// Data that is text already.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut write = || {
            self.data.write_all(text.as_bytes())?;
            self.data.flush()
        };
        write().map_err(|err| Failure::of_output(&err))
    }

    /// Data for a program, over several lines.
    pub fn json<T: Serialize>(&mut self, reply: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(reply).map_err(Failure::bug)?;
        self.text(&format!("{text}\n"))
    }

    /// Data for a program, on one line: one of many.
    pub fn json_line<T: Serialize>(&mut self, reply: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(reply).map_err(Failure::bug)?;
        self.text(&format!("{text}\n"))
    }

    /// Draws a page over the one that was drawn before. One write, and no line is cleared before it is filled:
    /// nothing flickers.
    pub fn redraw(&mut self, page: &Page) -> Result<(), Failure> {
        let size = rustix::termios::tcgetwinsize(std::io::stdout());
        let (rows, columns) = size.map_or((24, 80), |size| (size.ws_row.max(2), size.ws_col));
        // A terminal that says nothing of its width has the usual one.
        let columns = if columns == 0 {
            80
        } else {
            usize::from(columns.max(20))
        };
        // One row less: the cursor stands below.
        let clipped = page.wrapped(columns).clipped(usize::from(rows) - 1);
        let up = match self.drawn {
            0 => String::new(),
            lines => format!("\x1b[{lines}F"),
        };
        let body = clipped.to_text(self.data_color).replace('\n', "\x1b[K\n");
        self.drawn = clipped.len();
        // What is wide for another reason is cut at the border, or the lines would be miscounted.
        self.text(&format!("{up}\x1b[?7l{body}\x1b[J\x1b[?7h"))
    }

    /// How far something has come: one line that is drawn over, on a terminal alone.
    pub fn progress(&mut self, text: &str) {
        if self.talk_terminal && !self.quiet {
            let _ = write!(self.talk, "\r{text}\x1b[K");
            let _ = self.talk.flush();
            self.progress = true;
        }
    }

    /// Takes the line of progress away.
    pub fn progress_ended(&mut self) {
        if std::mem::take(&mut self.progress) {
            let _ = write!(self.talk, "\r\x1b[K");
            let _ = self.talk.flush();
        }
    }

    /// Talk: what is worth knowing beside the data.
    pub fn say(&mut self, text: &str) {
        let mut page = Page::default();
        page.line(text);
        self.say_rendered(&page.to_text(false));
    }

    /// Talk that was made ready to be shown elsewhere.
    pub fn say_rendered(&mut self, text: &str) {
        if !self.quiet {
            // Talk that cannot be written has no reader who could be told.
            let _ = self.talk.write_all(text.as_bytes());
            // What was drawn stands above the talk now; the next picture begins below.
            self.drawn = 0;
        }
    }

    /// Says why it did not work; the exit code is the failure's.
    pub fn failure(&mut self, failure: &Failure) -> Exit {
        if !failure.what.is_empty() {
            let text = match self.form {
                Form::Text => failure.page().to_text(self.talk_color),
                Form::Json => format!("{}\n", failure.json()),
            };
            let _ = self.talk.write_all(text.as_bytes());
        }
        failure.exit
    }
}
