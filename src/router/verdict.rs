//! Whether what some instances answer is far worse than what others do.

use crate::router::counters::Answered;
use std::time::Duration;

/// Instances fail whose share of errors is at least so many percent, and so many times that of the others.
const ERROR_PERCENT: u64 = 20;
const TIMES_WORSE: u64 = 5;
/// The same for the time that an answer takes.
const SLOW: Duration = Duration::from_secs(1);

/// What there is to say of instances that answer far worse than those before them. Both have a name; neither is judged by
/// fewer than `least` answers.
#[must_use]
pub fn worse(least: u64, (new, now): (&str, Answered), before: Option<(&str, Answered)>) -> Option<String> {
    if now.answers < least {
        return None;
    }
    let before = before.filter(|(_, old)| old.answers >= least);
    let (percent, usual) = (error_percent(now), before.map_or(0, |(_, old)| error_percent(old)));
    if percent >= ERROR_PERCENT.max(usual.saturating_mul(TIMES_WORSE)) {
        let compared = before.map_or_else(String::new, |(old, _)| format!(", {usual} % of those of {old}"));
        return Some(format!("{percent} % of the {} answers of {new} were errors{compared}.", now.answers));
    }
    let (old, answered) = before?;
    let (mean, usual) = (mean(now), mean(answered));
    let times = u32::try_from(TIMES_WORSE).unwrap_or(u32::MAX);
    (mean >= SLOW.max(usual.saturating_mul(times))).then(|| {
        format!(
            "An answer of {new} took {} ms on average of {}, one of {old} {} ms.",
            mean.as_millis(),
            now.answers,
            usual.as_millis()
        )
    })
}

fn error_percent(answered: Answered) -> u64 {
    (answered.errors * 100).checked_div(answered.answers).unwrap_or_default()
}

fn mean(answered: Answered) -> Duration {
    let count = u32::try_from(answered.answers).unwrap_or(u32::MAX);
    answered.waited.checked_div(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answers: u64, errors: u64, mean_ms: u64) -> Answered {
        Answered { answers, errors, waited: Duration::from_millis(mean_ms * answers), unreachable: 0 }
    }

    fn said(now: Answered, before: Option<Answered>) -> Option<String> {
        worse(50, ("v7", now), before.map(|before| ("v6", before)))
    }

    #[test]
    fn a_release_that_is_far_worse_is_told_from_one_that_is_not() {
        let good = Some(answered(1000, 10, 20));
        for (now, before) in [
            (answered(49, 49, 20), good),
            (answered(50, 9, 20), good),
            // As bad as ever.
            (answered(100, 30, 20), Some(answered(100, 25, 20))),
            (answered(100, 0, 999), good),
            (answered(100, 0, 3000), Some(answered(100, 0, 700))),
            // Nothing to compare with.
            (answered(100, 0, 9000), None),
            (answered(100, 0, 9000), Some(answered(10, 0, 1))),
        ] {
            assert_eq!(said(now, before), None, "{now:?} {before:?}");
        }
        let of = |now, before| said(now, before).unwrap();
        assert_eq!(
            of(answered(100, 43, 20), good),
            "43 % of the 100 answers of v7 were errors, 1 % of those of v6."
        );
        assert_eq!(of(answered(60, 30, 20), None), "50 % of the 60 answers of v7 were errors.");
        assert_eq!(
            of(answered(100, 0, 1500), good),
            "An answer of v7 took 1500 ms on average of 100, one of v6 20 ms."
        );
    }
}
