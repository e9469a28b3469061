//! The graph as a picture (SVG).

use taskbox_models::TaskStatus;

use crate::tasks::arrows;

type Point = (f64, f64);

/// Half of the width and of the height of a box.
const HALF: Point = (56.0, 18.0);
const HEAD: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 420" font-family="sans-serif" font-size="13" text-anchor="middle">
<!-- Written by `cargo xtask lifecycle` from the table of transitions. -->
<rect width="980" height="420" fill="#fff"/>
<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>
"##;

pub(crate) fn svg() -> String {
    let arrows: Vec<_> = arrows().into_iter().map(arrow).collect();
    let boxes: Vec<_> = TaskStatus::ALL
        .iter()
        .map(|status| boxed(*status))
        .collect();
    format!("{HEAD}{}{}</svg>\n", arrows.concat(), boxes.concat())
}

/// The middle of the box.
fn place(status: TaskStatus) -> Point {
    match status {
        TaskStatus::NotStarted => (90.0, 200.0),
        TaskStatus::Scheduled => (330.0, 60.0),
        TaskStatus::Ready => (430.0, 200.0),
        TaskStatus::Running => (710.0, 200.0),
        TaskStatus::Completed => (900.0, 60.0),
        TaskStatus::Failed => (900.0, 350.0),
        TaskStatus::Skipped => (90.0, 350.0),
        TaskStatus::Cancelled => (430.0, 350.0),
    }
}

/// By how much an arrow leaves the straight line, to its right.
fn bend(from: TaskStatus, to: TaskStatus) -> f64 {
    use TaskStatus::{Cancelled, Failed, NotStarted, Ready, Running, Scheduled, Skipped};
    match (from, to) {
        (NotStarted, Skipped) | (Skipped, NotStarted) => -40.0,
        (Ready, Cancelled) | (Cancelled, Ready) => -50.0,
        (Running, Ready) => 70.0,
        (Running, Scheduled) => 50.0,
        (Scheduled, Cancelled) => 130.0,
        (Failed, Ready) => -70.0,
        _ => 0.0,
    }
}

fn boxed(status: TaskStatus) -> String {
    let ((x, y), (w, h)) = (place(status), HALF);
    let fill = if status.is_terminal() {
        "#e4e4e4"
    } else {
        "#d7e8fa"
    };
    format!(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{fill}\" stroke=\"#000\"/>\n<text x=\"{x}\" y=\"{}\">{status}</text>\n",
        x - w,
        y - h,
        2.0 * w,
        2.0 * h,
        y + 5.0
    )
}

fn arrow((from, to, label): (Option<TaskStatus>, TaskStatus, String)) -> String {
    let end = place(to);
    let (start, bend) = match from {
        Some(from) => (place(from), bend(from, to)),
        None => ((end.0, end.1 - 90.0), 0.0),
    };
    let (dx, dy) = (end.0 - start.0, end.1 - start.1);
    let length = dx.hypot(dy);
    let middle = (
        f64::midpoint(start.0, end.0) - dy / length * bend,
        f64::midpoint(start.1, end.1) + dx / length * bend,
    );
    let tail = from.map_or(start, |_| border(start, middle));
    let tip = border(end, middle);
    let text = |a: f64, b: f64, c: f64| (a + 2.0 * b + c) / 4.0;
    format!(
        "<path d=\"M{} Q{} {}\" fill=\"none\" stroke=\"#000\" marker-end=\"url(#head)\"/>\n<text x=\"{:.0}\" y=\"{:.0}\" fill=\"#a33\" stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\">{label}</text>\n",
        pair(tail),
        pair(middle),
        pair(tip),
        text(tail.0, middle.0, tip.0),
        text(tail.1, middle.1, tip.1) + 4.0
    )
}

/// Where the line from the middle of a box to a point outside leaves the box.
fn border(middle: Point, towards: Point) -> Point {
    let (dx, dy) = (towards.0 - middle.0, towards.1 - middle.1);
    let share = (HALF.0 / dx.abs()).min(HALF.1 / dy.abs());
    (middle.0 + dx * share, middle.1 + dy * share)
}

fn pair((x, y): Point) -> String {
    format!("{x:.0} {y:.0}")
}
