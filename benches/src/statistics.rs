//! Medians with the smallest and the largest value, and percentiles.

use serde::Serialize;

/// The middle of some values, and their ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Looks at values, of which there must be one at least.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = values.len() / 2;
        let lower = if values.len().is_multiple_of(2) { upper - 1 } else { upper };
        let median = f64::midpoint(*values.get(lower)?, *values.get(upper)?);
        Some(Self { median, min, max })
    }
}

/// Returns the value below which `percent` of all lie, in milliseconds, out of microseconds.
pub(crate) fn percentile(latencies: &mut [u32], percent: usize) -> f64 {
    latencies.sort_unstable();
    let at = latencies.len().saturating_sub(1) * percent / 100;
    latencies.get(at).map_or(f64::NAN, |latency| f64::from(*latency) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_two_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0]), Some(Spread { median: 3.0, min: 3.0, max: 3.0 }));
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 9.0 }));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 9.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut latencies: Vec<u32> = (1..=100).rev().map(|number| number * 1_000).collect();
        assert!((percentile(&mut latencies, 50) - 50.0).abs() < 1e-9);
        assert!((percentile(&mut latencies, 99) - 99.0).abs() < 1e-9);
        assert!(percentile(&mut [], 50).is_nan());
    }
}
