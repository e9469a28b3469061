//! The tables, in Markdown: they are pasted into docs/comparison.md.

use crate::database::Backend;
use crate::figures::{Figures, median, milliseconds, quantile};
use crate::peer::{About, Mode, Peer};

/// Which versions this was built with.
const LOCK: &str = include_str!("../Cargo.lock");
/// Whom the others are compared with.
const OURS: &str = "Taskbox";

pub(crate) fn print(backend: Backend, peers: &[Box<dyn Peer>], figures: &[Figures]) {
    println!(
        "| {} | keeps of a job that is done | enqueued/s | drained/s | drained/s by default | start, ms | start by default, ms |",
        backend.name()
    );
    println!("|---|---|---|---|---|---|---|");
    for (peer, figures) in peers.iter().zip(figures) {
        println!("{}", row(&peer.about(), figures));
    }
    print_ratios(peers, figures);
    println!("\nSet to, for the drain, the start, and by default:\n");
    for peer in peers {
        let [drain, start, default] =
            [Mode::Throughput, Mode::Latency, Mode::Defaults].map(|mode| peer.settings(mode));
        println!("- {}: {drain}; {start}; {default}", peer.about().name);
    }
    println!();
}

fn row(about: &About, figures: &Figures) -> String {
    format!(
        "| {} {} | {} | {} | {} | {} | {} | {} |",
        about.name,
        version_of(about.package),
        about.keeps,
        rates(&figures.enqueued),
        rates(&figures.drained),
        rates(&figures.drained_by_default),
        times(&milliseconds(&figures.started)),
        times(&milliseconds(&figures.started_by_default)),
    )
}

/// By how much Taskbox is faster, or not: round by round, since the machine is not the same in each.
fn print_ratios(peers: &[Box<dyn Peer>], figures: &[Figures]) {
    let Some(ours) = peers.iter().position(|peer| peer.about().name == OURS) else {
        return;
    };
    println!(
        "\n| {OURS} against | enqueue | drain | drain by default | start | start by default |"
    );
    println!("|---|---|---|---|---|---|");
    for (other, peer) in peers.iter().enumerate().filter(|(other, _)| *other != ours) {
        let (ours, theirs) = (&figures[ours], &figures[other]);
        println!(
            "| {} | {:.2} × | {:.2} × | {:.2} × | {:.2} × | {:.2} × |",
            peer.about().name,
            ratio(&ours.enqueued, &theirs.enqueued),
            ratio(&ours.drained, &theirs.drained),
            ratio(&ours.drained_by_default, &theirs.drained_by_default),
            median(&milliseconds(&ours.started)) / median(&milliseconds(&theirs.started)),
            median(&milliseconds(&ours.started_by_default))
                / median(&milliseconds(&theirs.started_by_default)),
        );
    }
}

fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    median(&ratios)
}

/// The median, and from the least to the most.
fn rates(rates: &[f64]) -> String {
    let [middle, least, most] =
        [median(rates), quantile(rates, 0.0), quantile(rates, 1.0)].map(thousands);
    format!("{middle} ({least}–{most})")
}

fn times(times: &[f64]) -> String {
    format!("{:.2}, p99 {:.1}", median(times), quantile(times, 0.99))
}

/// A number with three digits that count, and commas.
fn thousands(rate: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no rate is so high, and none is negative"
    )]
    let rate = rate.round() as u64;
    let unit = 10_u64.pow(rate.checked_ilog10().unwrap_or(0).saturating_sub(2));
    let mut digits = (rate / unit * unit).to_string();
    for place in (1..digits.len())
        .rev()
        .filter(|place| (digits.len() - place) % 3 == 0)
        .collect::<Vec<_>>()
    {
        digits.insert(place, ',');
    }
    digits
}

/// The version of a package in Cargo.lock; the first, should there be several.
fn version_of(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"\nversion = \"");
    let after = LOCK.split_once(&name).map(|(_, after)| after);
    let version = after.and_then(|after| after.split('"').next());
    version.unwrap_or("of an unknown version")
}

#[cfg(test)]
mod tests {
    use super::{thousands, version_of};

    #[test]
    fn rates_have_three_digits_that_count() {
        let read = [0.0, 7.6, 389.7, 3_214.0, 17_561.0, 1_234_567.0].map(thousands);
        assert_eq!(read, ["0", "8", "390", "3,210", "17,500", "1,230,000"]);
    }

    #[test]
    fn versions_are_those_of_the_lock() {
        assert_eq!(version_of("taskbox-executor"), env!("CARGO_PKG_VERSION"));
        assert_eq!(version_of("no-such-package"), "of an unknown version");
    }
}
