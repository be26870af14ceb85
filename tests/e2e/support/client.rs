//! `gilgal` as somebody types it in the folder of their app.

use super::person::{PASSWORD, Person};
use super::server::{Server, command};
use super::talk::{Said, Talk};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Somebody's folder, with what they are logged in with.
pub(crate) struct Client {
    folder: PathBuf,
    home: PathBuf,
    address: String,
    email: String,
}

impl Client {
    /// A client in a folder, of somebody who is not logged in yet.
    pub(crate) fn new(server: &Server, person: &Person, folder: &Path) -> Self {
        let home = server.folder().join(format!("home-{}", person.name));
        fs::create_dir_all(&home).unwrap();
        let email = format!("{}@example.com", person.name);
        Self { folder: folder.to_owned(), home, address: server.api.to_string(), email }
    }

    /// A command that is not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut gilgal = command(&self.home, &[]);
        gilgal.env("HOME", &self.home).current_dir(&self.folder).args(arguments);
        gilgal
    }

    /// Types the password; the login is kept.
    #[track_caller]
    pub(crate) fn log_in(&self) {
        let login = ["login", &self.address, "--email", &self.email];
        let said = self.types(&login, &format!("{PASSWORD}\n"));
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// A command that reads what is typed, to its end.
    pub(crate) fn types(&self, arguments: &[&str], typed: &str) -> Said {
        let mut talk = Talk::start(&mut self.command(arguments));
        talk.types(typed);
        talk.close_input();
        talk.finish()
    }

    /// A command to its end, which has to be good; what it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut talk = Talk::start(&mut self.command(arguments));
        talk.close_input();
        let said = talk.finish();
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said.output
    }
}
