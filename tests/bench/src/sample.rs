//! Repeated measurements of one thing.

use std::time::Duration;

/// The values, in ascending order; never empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    /// `None` for no values.
    pub(super) fn new(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Self(values))
    }

    pub(super) fn min(&self) -> f64 {
        self.0[0]
    }

    pub(super) fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub(super) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// By nearest rank: the smallest value that is not exceeded by this percentage of all.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    /// `None` for too few values: the 99th percentile would be the maximum.
    pub(super) fn p99(&self) -> Option<f64> {
        (self.0.len() > 100).then(|| self.percentile(99))
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(super) fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sample = Sample::new((1..=200).rev().map(f64::from).collect()).unwrap();
        assert_eq!((sample.min(), sample.median(), sample.max()), (1.0, 100.0, 200.0));
        assert_eq!(sample.p99(), Some(198.0));
    }

    #[test]
    fn few_values_have_no_99th_percentile() {
        let sample = Sample::new(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((sample.median(), sample.p99()), (2.0, None));
        assert_eq!(Sample::new(Vec::new()), None);
    }
}
