//! Programs that one talks to while they run.

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a program may take to say something, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs.
pub(crate) struct Talk {
    child: Child,
    input: Option<Box<dyn Write>>,
    /// The terminal, where it has one.
    terminal: Option<File>,
    said: Arc<Mutex<Vec<u8>>>,
    errors: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a program has said, and how it ended; `None`: by a signal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

fn collect(mut from: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&all);
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // Of a terminal the end is EIO.
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            collected.lock().unwrap().extend_from_slice(&bytes[..read]);
        }
    });
    (all, reader)
}

const fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Talk {
    /// Starts a program whose input and outputs are pipes.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (said, output) = collect(child.stdout.take().unwrap());
        let (errors, other) = collect(child.stderr.take().unwrap());
        let input = Some(Box::new(child.stdin.take().unwrap()) as Box<dyn Write>);
        Self { child, input, terminal: None, said, errors, readers: vec![output, other] }
    }

    /// Starts a program in a terminal.
    pub(crate) fn in_terminal(mut command: Command, columns: u16, rows: u16) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(path).unwrap();
        tcsetwinsize(&terminal, size(columns, rows)).unwrap();
        let (input, output) = (terminal.try_clone().unwrap(), terminal.try_clone().unwrap());
        let child =
            command.env("TERM", "xterm").stdin(input).stdout(output).stderr(terminal).spawn().unwrap();
        // The command holds copies of the terminal, which end with it.
        drop(command);
        let controller = File::from(controller);
        let (said, reader) = collect(controller.try_clone().unwrap());
        let input = Some(Box::new(controller.try_clone().unwrap()) as Box<dyn Write>);
        let terminal = Some(controller);
        Self { child, input, terminal, said, errors: Arc::default(), readers: vec![reader] }
    }

    pub(crate) fn types(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// The end of the input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Gives the terminal another size, and tells the program as a terminal does.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        tcsetwinsize(self.terminal.as_ref().unwrap(), size(columns, rows)).unwrap();
        kill_process(Pid::from_child(&self.child), Signal::WINCH).unwrap();
    }

    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until it has said something; asked again and again, so that it can be urged.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str, mut urge: impl FnMut(&mut Self)) {
        let begun = Instant::now();
        while !self.said().contains(text) {
            let errors = String::from_utf8_lossy(&self.errors.lock().unwrap()).into_owned();
            assert!(begun.elapsed() < PATIENCE, "\"{text}\" does not come: {}{errors}", self.said());
            urge(self);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as a person does who loses their connection.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn finish(mut self) -> Said {
        let code = self.child.wait().unwrap().code();
        (self.input, self.terminal) = (None, None);
        for reader in self.readers {
            reader.join().unwrap();
        }
        let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned();
        Said { code, output: text(&self.said), errors: text(&self.errors) }
    }
}
