//! The hook process: started by git, asks the server over the socket, prints what it answers.
//!
//! It uses nothing but the standard library's blocking input and output, so that it starts in a millisecond, and it
//! never opens the database.

use super::packet;
use super::protocol::{HookCall, HookName, HookReply, RefCommand, Verdict};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// What the hook was given by the process that started it.
#[derive(Debug, Clone)]
pub struct HookEnvironment {
    pub socket: PathBuf,
    pub push: String,
    /// The push options as git passes them to `pre-receive`.
    pub options: Vec<String>,
    pub quarantine: Option<PathBuf>,
}

/// Runs a hook to its end and answers with its exit code.
///
/// # Errors
/// When git or the server does not answer as agreed; the push fails then.
pub fn run(hook: HookName, environment: &HookEnvironment) -> io::Result<u8> {
    match hook {
        HookName::ProcReceive => proc_receive(environment),
        HookName::PreReceive | HookName::PostReceive => {
            let mut input = String::new();
            io::stdin().read_to_string(&mut input)?;
            let commands = input.lines().map(parse_command).collect::<io::Result<_>>()?;
            let verdicts = ask(hook, environment, commands, environment.options.clone())?;
            Ok(u8::from(verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refused(_)))))
        }
    }
}

/// Speaks version 1 of the protocol in git's documentation of the hook (githooks(5), "proc-receive").
fn proc_receive(environment: &HookEnvironment) -> io::Result<u8> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let greeting = packet::read_section(&mut input)?;
    let with_options = greeting.first().is_some_and(|line| line.contains("push-options"));
    packet::write(&mut output, if with_options { b"version=1\0push-options" } else { b"version=1\0" })?;
    packet::flush(&mut output)?;

    let commands: Vec<RefCommand> = packet::read_section(&mut input)?
        .iter()
        .map(|line| parse_command(line))
        .collect::<io::Result<_>>()?;
    let options = if with_options { packet::read_section(&mut input)? } else { Vec::new() };
    let verdicts = ask(HookName::ProcReceive, environment, commands.clone(), options)?;

    for (command, verdict) in commands.iter().zip(verdicts) {
        let reference = &command.reference;
        match verdict {
            Verdict::Accepted => {
                packet::write(&mut output, format!("ok {reference}").as_bytes())?;
                packet::write(&mut output, b"option fall-through")?;
            }
            Verdict::Taken => packet::write(&mut output, format!("ok {reference}").as_bytes())?,
            Verdict::Refused(reason) => {
                packet::write(&mut output, format!("ng {reference} {reason}").as_bytes())?;
            }
        }
    }
    packet::flush(&mut output)?;
    Ok(0)
}

fn parse_command(line: &str) -> io::Result<RefCommand> {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(old), Some(new), Some(reference)) => {
            Ok(RefCommand { old: old.to_owned(), new: new.to_owned(), reference: reference.to_owned() })
        }
        _ => Err(io::Error::other("git has sent a command that is not understood")),
    }
}

/// Asks the server and shows its lines while it works.
fn ask(
    hook: HookName,
    environment: &HookEnvironment,
    commands: Vec<RefCommand>,
    options: Vec<String>,
) -> io::Result<Vec<Verdict>> {
    let expected = commands.len();
    let call = HookCall {
        hook,
        push: environment.push.clone(),
        commands,
        options,
        quarantine: environment.quarantine.clone(),
    };
    let mut server = UnixStream::connect(&environment.socket)?;
    let mut line = serde_json::to_string(&call)?;
    line.push('\n');
    server.write_all(line.as_bytes())?;
    for reply in BufReader::new(server).lines() {
        match serde_json::from_str(&reply?)? {
            HookReply::Line(text) => show(&text)?,
            HookReply::Verdicts(verdicts) if verdicts.len() == expected => return Ok(verdicts),
            HookReply::Verdicts(_) => break,
        }
    }
    show(" !     The server has stopped or was restarted. A deployment that was running goes on by itself;")?;
    show(" !     push the same commit again to watch it.")?;
    Ok(vec![Verdict::Refused("server restarted".to_owned()); expected])
}

/// One `write` a line makes one packet of git's sideband, and so one live line at the pusher's side.
fn show(text: &str) -> io::Result<()> {
    io::stderr().write_all(format!("{text}\n").as_bytes())
}
