//! The hook process: started by git, asks the server over the socket, prints what it answers.
//!
//! It uses nothing but the standard library's blocking input and output, so that it starts in a millisecond, and it
//! never opens the database.

use super::packet;
use super::protocol::{
    HookCall, HookName, HookReply, MAX_COMMANDS, MAX_LINE_BYTES, RefCommand, Verdict, too_many_commands,
};
use crate::model::name::shown;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// What a call needs beside its commands: token, options, a path.
const ROOM_FOR_THE_REST: u64 = 64 * 1024;

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
            let mut input = io::stdin().lock();
            let commands = match read_commands(&mut input)? {
                Ok(commands) => commands,
                Err(sentence) => {
                    // git wants to have said all of it.
                    io::copy(&mut input, &mut io::sink())?;
                    show(&format!(" !     {sentence}"))?;
                    return Ok(1);
                }
            };
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

/// The commands of a push; or, where the server cannot be told of them, what is wrong and what to do.
fn read_commands(input: &mut impl Read) -> io::Result<Result<Vec<RefCommand>, String>> {
    let mut bytes = Vec::new();
    input.take(MAX_LINE_BYTES).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1);
    if bytes.len() as u64 == MAX_LINE_BYTES || lines > MAX_COMMANDS {
        return Ok(Err(too_many_commands()));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Ok(Err(not_utf8(error.as_bytes()))),
    };
    let commands: Vec<RefCommand> = text.lines().map(parse_command).collect::<io::Result<_>>()?;
    // As JSON they are longer, and all of it must fit into one line.
    let as_json = serde_json::to_string(&commands)?.len() as u64;
    Ok(if as_json + ROOM_FOR_THE_REST > MAX_LINE_BYTES { Err(too_many_commands()) } else { Ok(commands) })
}

fn not_utf8(bytes: &[u8]) -> String {
    let command = bytes.split(|byte| *byte == b'\n').find(|line| std::str::from_utf8(line).is_err());
    let command = String::from_utf8_lossy(command.unwrap_or_default());
    let reference = command.splitn(3, ' ').last().unwrap_or_default();
    format!("The name `{}` is not UTF-8. Rename it, then push again.", shown(reference))
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

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: &str = "0000000000000000000000000000000000000000 1111111111111111111111111111111111111111";

    fn read(input: impl AsRef<[u8]>) -> Result<Vec<RefCommand>, String> {
        read_commands(&mut input.as_ref()).unwrap()
    }

    #[test]
    fn commands_are_read() {
        let commands = read(format!("{IDS} refs/heads/main\n{IDS} refs/tags/a b\n")).unwrap();
        let names: Vec<_> = commands.iter().map(|command| command.reference.as_str()).collect();
        assert_eq!(names, ["refs/heads/main", "refs/tags/a b"]);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn too_many_commands_are_refused_with_the_way_out() {
        let line = format!("{IDS} refs/heads/x\n");
        assert_eq!(read(line.repeat(MAX_COMMANDS)).unwrap().len(), MAX_COMMANDS);
        // Few, but long; many that are longer than a line that the server reads; quotes are twice as long in JSON.
        let quotes = format!("{IDS} refs/heads/{}\n", "\"".repeat(4_000)).repeat(2_500);
        assert!((quotes.len() as u64) < MAX_LINE_BYTES);
        for input in [
            line.repeat(MAX_COMMANDS + 1),
            line.repeat(300_000),
            format!("{IDS} refs/heads/{}\n", "x".repeat(60_000)).repeat(300),
            quotes,
        ] {
            assert_eq!(
                read(input).unwrap_err(),
                "A push may change at most 10000 references, and their names may take at most 16 MiB. Push fewer at a \
                 time."
            );
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_named() {
        let mut input = format!("{IDS} refs/heads/main\n{IDS} refs/heads/gr").into_bytes();
        input.extend(b"\xfcn\n");
        assert_eq!(
            read(input).unwrap_err(),
            "The name `refs/heads/gr\u{fffd}n` is not UTF-8. Rename it, then push again."
        );
    }
}
