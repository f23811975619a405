//! What a person is asked for: at the terminal where there is one, with nothing shown of a password,
//! and else from the environment or standard input. A password is never an argument: others who use
//! the machine could read it.

use std::io::{BufRead, ErrorKind, IsTerminal, Read, Write};

use anyhow::{Context, bail};

/// The e-mail address to sign in with, if it was not given.
pub(super) fn email() -> anyhow::Result<String> {
    let mut input = std::io::stdin().lock();
    if !input.is_terminal() {
        bail!("give the e-mail address with --email: there is no terminal to ask for it");
    }
    eprint!("E-mail: ");
    std::io::stderr().flush().ok();
    let mut line = String::new();
    input.read_line(&mut line).context("the e-mail address cannot be read")?;
    match line.trim() {
        "" => bail!("no e-mail address was given"),
        email => Ok(email.to_owned()),
    }
}

/// The password of an account that there is.
pub(super) async fn password() -> anyhow::Result<String> {
    match without_asking()? {
        Some(password) => Ok(password),
        None => {
            let [password] = at_the_terminal(["Password: "]).await?;
            Ok(password)
        }
    }
}

/// The code of a second factor, from STUDIO_CODE or the terminal: the password may have come by
/// standard input, which is at its end then.
pub(super) async fn code() -> anyhow::Result<String> {
    if let Ok(code) = std::env::var("STUDIO_CODE") {
        return Ok(code);
    }
    if !std::io::stdin().is_terminal() {
        bail!(
            "the account has a second factor: set STUDIO_CODE to a code, or sign in at a terminal"
        );
    }
    let [code] = at_the_terminal(["Code of your app, or a recovery code: "]).await?;
    Ok(code)
}

/// A password that is chosen now; at a terminal, where nobody sees what is typed, it is asked twice.
pub(crate) async fn new_password() -> anyhow::Result<String> {
    if let Some(password) = without_asking()? {
        return Ok(password);
    }
    let questions = ["Password, at least 12 characters: ", "The same again: "];
    let [password, again] = at_the_terminal(questions).await?;
    if password != again {
        bail!("the two passwords differ: nothing was made, run the command again");
    }
    Ok(password)
}

/// The password from STUDIO_PASSWORD, or from standard input where that is no terminal.
fn without_asking() -> anyhow::Result<Option<String>> {
    let password = match std::env::var("STUDIO_PASSWORD") {
        Ok(password) => password,
        Err(_) if std::io::stdin().is_terminal() => return Ok(None),
        Err(_) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("the password cannot be read")?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    if password.is_empty() {
        bail!("the password is empty: set STUDIO_PASSWORD, pipe it in, or type it at a terminal");
    }
    Ok(Some(password))
}

/// Asks for secrets, of which the terminal shows nothing.
async fn at_the_terminal<const N: usize>(
    questions: [&'static str; N],
) -> anyhow::Result<[String; N]> {
    // Killed by Ctrl-C meanwhile, the process would leave a terminal that shows nothing any more.
    #[cfg(unix)]
    let mut interrupts = {
        let kind = tokio::signal::unix::SignalKind::interrupt();
        tokio::signal::unix::signal(kind).context("Ctrl-C cannot be caught")?
    };
    let asked = tokio::task::spawn_blocking(move || {
        let mut answers = [const { String::new() }; N];
        for (answer, question) in answers.iter_mut().zip(questions) {
            *answer = rpassword::prompt_password(question)?;
        }
        Ok::<_, std::io::Error>(answers)
    });
    let answers = asked.await.context("the answer cannot be read")?;
    let answers = match answers {
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            bail!("interrupted: nothing was done")
        }
        answers => answers.context("the answer cannot be read from the terminal")?,
    };
    if answers.iter().any(String::is_empty) {
        bail!("nothing was typed");
    }
    // From here on it ends the process again.
    #[cfg(unix)]
    tokio::spawn(async move {
        interrupts.recv().await;
        std::process::exit(130);
    });
    Ok(answers)
}
