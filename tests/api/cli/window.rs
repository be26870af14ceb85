//! A terminal that a command runs in: a pseudo-terminal, and what a person sees of it.

use super::terminal::Terminal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const ROWS: u16 = 20;
/// How long a command may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command in a terminal.
pub(crate) struct Window {
    child: Child,
    keyboard: File,
    seen: Arc<Mutex<Seen>>,
    reader: JoinHandle<()>,
}

struct Seen {
    screen: vt100::Parser,
    /// Everything that was written, also what was drawn over.
    bytes: Vec<u8>,
}

impl Terminal {
    /// Starts a command in a terminal of a width.
    pub(crate) fn open(&self, arguments: &[&str], columns: u16) -> Window {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let mut command = self.command(&self.work()).into_std();
        command.env_remove("COLUMNS").env("TERM", "xterm-256color").args(arguments);
        let (input, output) = (terminal.try_clone().unwrap(), terminal.try_clone().unwrap());
        let child = command.stdin(input).stdout(output).stderr(terminal).spawn().unwrap();
        // The command holds copies of the terminal, which end with it.
        drop(command);
        let seen = Seen { screen: vt100::Parser::new(ROWS, columns, 0), bytes: Vec::new() };
        let seen = Arc::new(Mutex::new(seen));
        let keyboard = File::from(controller);
        let mut display = keyboard.try_clone().unwrap();
        let watched = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The last copy of the terminal is closed: Linux says so with EIO.
            while let Ok(read @ 1..) = display.read(&mut bytes) {
                let mut seen = watched.lock().unwrap();
                seen.screen.process(&bytes[..read]);
                seen.bytes.extend_from_slice(&bytes[..read]);
            }
        });
        Window { child, keyboard, seen, reader }
    }
}

impl Window {
    /// What stands on the screen.
    pub(crate) fn text(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    /// Waits until a text stands on the screen, and gives the whole of it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let begun = Instant::now();
        while !self.text().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "\"{text}\" does not appear:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.text()
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Ctrl-C, as the signal that it becomes.
    pub(crate) fn interrupt(&mut self) {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::INT,
        )
        .unwrap();
    }

    /// Whether a text was ever written, even if it was drawn over.
    pub(crate) fn has_shown(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.seen.lock().unwrap().bytes).contains(text)
    }

    /// Waits until the command has ended: what stands on the screen then, and the exit code.
    pub(crate) fn finish(mut self) -> String {
        let code = self.child.wait().unwrap().code().unwrap();
        self.reader.join().unwrap();
        let seen = self.seen.lock().unwrap();
        format!("{}\n[{code}]\n", seen.screen.screen().contents().trim_end())
    }
}
