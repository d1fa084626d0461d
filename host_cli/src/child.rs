//! Running a plugin in a process of its own, which it may take down.
//!
//! The child is this executable with a hidden subcommand. It answers on stdout, a line per
//! message, each behind [`MARK`]: the plugin may write to stdout as well. Before each step that
//! may end it, the child says what it is about to do.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

/// How long a child may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// What messages start with.
const MARK: &str = "\u{1}plugin-host\u{1}";
/// How much of the child's stderr is kept.
const STDERR_LEN: u64 = 64 * 1024;

/// A message of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message<A> {
    /// What it does next.
    Step(String),
    /// What it was asked for; the last message.
    Answer(A),
}

/// How a child ended without an answer.
#[derive(Debug, Error)]
pub(crate) enum ChildFailure {
    #[error("cannot start a process: {0}")]
    Start(#[from] io::Error),
    #[error("the process with the plugin ended with {status} {step}{}", said(.stderr))]
    Died {
        status: ExitStatus,
        step: String,
        stderr: String,
    },
    #[error("the process with the plugin took longer than {} s {step}", .limit.as_secs())]
    TimedOut { limit: Duration, step: String },
    #[error("the process with the plugin gave no answer{}", said(.stderr))]
    Silent { stderr: String },
}

fn said(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!("; it wrote: {text}"),
    }
}

/// In the child: tells what it does next.
pub(crate) fn step(out: &mut dyn Write, step: impl Into<String>) -> io::Result<()> {
    tell(out, &Message::<()>::Step(step.into()))
}

/// In the child: gives the answer.
pub(crate) fn answer(out: &mut dyn Write, answer: impl Serialize) -> io::Result<()> {
    tell(out, &Message::Answer(answer))
}

fn tell(out: &mut dyn Write, message: &Message<impl Serialize>) -> io::Result<()> {
    // A line of its own, whatever the plugin has written before.
    writeln!(out, "\n{MARK}{}", serde_json::to_string(message)?)?;
    out.flush()
}

/// Runs a hidden subcommand on a file.
///
/// # Errors
/// A child that crashes, hangs or says nothing; the message names its last step.
pub(crate) fn ask<A: DeserializeOwned + Send + 'static>(
    subcommand: &str,
    file: &Path,
) -> Result<A, ChildFailure> {
    let child = Command::new(env::current_exe()?)
        .arg(subcommand)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    listen(child, TIME_LIMIT)
}

fn listen<A: DeserializeOwned + Send + 'static>(
    mut child: Child,
    limit: Duration,
) -> Result<A, ChildFailure> {
    let deadline = Instant::now() + limit;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let (sender, messages) = mpsc::channel::<Message<A>>();
    // Both threads end when the child's ends of the pipes are closed.
    thread::spawn(move || {
        for line in stdout
            .into_iter()
            .flat_map(|out| BufReader::new(out).split(b'\n'))
        {
            let Ok(line) = line else { return };
            let message = line.strip_prefix(MARK.as_bytes());
            if let Some(message) = message.and_then(|text| serde_json::from_slice(text).ok())
                && sender.send(message).is_err()
            {
                return;
            }
        }
    });
    let (stderr_sender, stderr_text) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.by_ref().take(STDERR_LEN).read_to_end(&mut text);
            let _ = stderr_sender.send(String::from_utf8_lossy(&text).into_owned());
            // The child must not wait for a reader.
            let _ = io::copy(&mut stderr, &mut io::sink());
        }
    });

    let mut step = String::new();
    let mut answer = None;
    let timed_out = loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        match messages.recv_timeout(rest) {
            Ok(Message::Step(next)) => step = format!("during: {next}"),
            Ok(Message::Answer(found)) => answer = Some(found),
            Err(RecvTimeoutError::Timeout) => break true,
            Err(RecvTimeoutError::Disconnected) => break !ended(&mut child, deadline)?,
        }
    };
    if timed_out {
        // It may have ended by itself just now.
        let _ = child.kill();
        child.wait()?;
        return Err(ChildFailure::TimedOut { limit, step });
    }
    let status = child.wait()?;
    let text = || {
        let text = stderr_text.recv_timeout(Duration::from_secs(1));
        text.unwrap_or_default()
    };
    match answer {
        _ if !status.success() => Err(ChildFailure::Died {
            status,
            step,
            stderr: text(),
        }),
        Some(answer) => Ok(answer),
        None => Err(ChildFailure::Silent { stderr: text() }),
    }
}

/// Whether the child, whose stdout is closed, ends in time.
fn ended(child: &mut Child, deadline: Instant) -> io::Result<bool> {
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<u32, ChildFailure> {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        listen(child, limit)
    }

    fn line(message: &Message<u32>) -> String {
        let mut out = Vec::new();
        tell(&mut out, message).unwrap();
        format!("printf '%s' '{}';", String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_answer_is_found_among_other_output() {
        let answer = line(&Message::Answer(7));
        let script = format!("printf noise; {answer} echo more; printf rest");
        assert_eq!(shell(&script, TIME_LIMIT).unwrap(), 7);
    }

    #[test]
    fn a_crash_names_the_step() {
        let script = format!(
            "{} echo oops >&2; kill -SEGV $$",
            line(&Message::Step("calling f".to_owned()))
        );
        let message = shell(&script, TIME_LIMIT).unwrap_err().to_string();
        assert!(message.contains("signal: 11"), "{message}");
        assert!(
            message.contains("during: calling f; it wrote: oops"),
            "{message}"
        );
    }

    #[test]
    fn a_crash_after_the_answer_is_a_crash() {
        let script = format!("{} kill -ABRT $$", line(&Message::Answer(7)));
        assert!(matches!(
            shell(&script, TIME_LIMIT),
            Err(ChildFailure::Died { .. })
        ));
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let start = Instant::now();
        let failure = shell("exec sleep 30", Duration::from_millis(100)).unwrap_err();
        assert!(
            matches!(failure, ChildFailure::TimedOut { .. }),
            "{failure}"
        );
        let failure = shell("exec >&-; exec sleep 30", Duration::from_millis(100)).unwrap_err();
        assert!(
            matches!(failure, ChildFailure::TimedOut { .. }),
            "{failure}"
        );
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn silence_is_no_answer() {
        assert!(matches!(
            shell("true", TIME_LIMIT),
            Err(ChildFailure::Silent { .. })
        ));
    }
}
