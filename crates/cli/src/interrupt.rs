//! Ctrl-C, for commands that have something to put away before they end.

use std::{
    future,
    io::{self, Write},
    process,
};

use tokio::{signal::ctrl_c, sync::watch};

use crate::{Error, Result};

/// The exit code of a program that was stopped by Ctrl-C, as shells have it.
pub(crate) const CODE: u8 = 130;

/// Whether Ctrl-C was pressed. The second time ends the program at once.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Hears Ctrl-C from now on, until the program ends.
    pub(crate) fn listen() -> Self {
        let (sender, pressed) = watch::channel(false);
        tokio::spawn(async move {
            // Where it cannot be heard of, it ends the program as ever.
            if ctrl_c().await.is_err() {
                return;
            }
            // If that cannot be said, it is done all the same.
            let _ = writeln!(io::stderr(), "stopping; Ctrl-C once more ends it at once");
            sender.send_replace(true);
            if ctrl_c().await.is_ok() {
                process::exit(CODE.into());
            }
        });
        Self(pressed)
    }

    /// An error if it was pressed.
    pub(crate) fn check(&self) -> Result<()> {
        if *self.0.borrow() {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Waits until it is pressed.
    pub(crate) async fn pressed(&self) {
        let mut pressed = self.0.clone();
        if pressed.wait_for(|pressed| *pressed).await.is_err() {
            // Nobody hears it.
            future::pending::<()>().await;
        }
    }

    /// What comes first: the answer, or that it is pressed, which drops the future of the answer.
    pub(crate) async fn or<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.pressed() => Err(Error::Interrupted),
            answer = answer => Ok(answer),
        }
    }
}
