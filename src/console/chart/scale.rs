//! Where numbers lie in a plot. Pure.

/// The least that can be seen of a part of a bar.
const LEAST: f64 = 1.0;

/// Units of a whole plot.
const WHOLE: f64 = 100.0;

/// Labels below a plot that have room on a telephone.
const MOST_CELLS: usize = 6;

/// Quarters of a plot that are round numbers, but for a power of ten.
const ROUND: [f64; 10] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];

/// The least number that is no less, and whose quarters are round. Where numbers are
/// whole, so are the quarters.
pub fn ceiling(most: f64, is_whole: bool) -> f64 {
    let quarter = if most.is_finite() { most / 4.0 } else { 0.0 };
    if quarter <= 0.0 || (is_whole && quarter <= 1.0) {
        return 4.0;
    }
    let power = 10_f64.powf(quarter.log10().floor());
    let fits = |round: &f64| {
        let step = round * power;
        // What the logarithm loses must not cost a whole step.
        step >= quarter * (1.0 - 1e-9) && (!is_whole || (step - step.round()).abs() < 1e-9)
    };
    let round = ROUND.into_iter().find(fits).unwrap_or(10.0);
    round * power * 4.0
}

/// The heights of the parts of a bar. A part that is anything can be seen, and all
/// together are no higher than the plot.
pub fn stack(values: &[f64], top: f64) -> Vec<f64> {
    let mut heights: Vec<f64> = values
        .iter()
        .map(|value| if *value > 0.0 { (value * WHOLE / top).max(LEAST) } else { 0.0 })
        .collect();
    let over = heights.iter().sum::<f64>() - WHOLE;
    if over > 0.0
        && let Some(highest) = heights.iter_mut().max_by(|one, other| one.total_cmp(other))
    {
        *highest = (*highest - over).max(LEAST);
    }
    heights
}

/// Into how many cells of equal width so many steps are cut for their labels.
pub fn cells(steps: usize) -> usize {
    let divides = |cells: &usize| steps.max(1).is_multiple_of(*cells);
    let cells = (3..=MOST_CELLS).rev().find(divides);
    cells.unwrap_or(if steps <= MOST_CELLS + 1 { steps.max(1) } else { 1 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plot_ends_at_a_round_number() {
        for (most, is_whole, top) in [
            (0.0, true, 4.0),
            (1.0, true, 4.0),
            (4.0, true, 4.0),
            (5.0, true, 8.0),
            (9.0, true, 12.0),
            (205.0, true, 240.0),
            (81_220.0, true, 100_000.0),
            (0.3, false, 0.32),
            (6.0, false, 6.0),
            (38.0, false, 40.0),
            (f64::NAN, false, 4.0),
        ] {
            let got = ceiling(most, is_whole);
            assert!((got - top).abs() < 1e-9, "{most}: {got}");
        }
    }

    #[test]
    fn labels_have_cells_of_equal_width() {
        for (steps, count) in [(0, 1), (1, 1), (2, 2), (7, 7), (8, 4), (24, 6), (25, 5), (60, 6)] {
            assert_eq!(cells(steps), count, "{steps}");
        }
        assert_eq!(cells(23), 1);
    }

    proptest! {
        #[test]
        fn no_part_of_a_bar_vanishes_and_none_leaves_the_plot(
            values in prop::collection::vec(0_u32..1_000_000, 1..8),
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let top = ceiling(values.iter().sum(), true);
            let heights = stack(&values, top);
            for (value, height) in values.iter().zip(&heights) {
                prop_assert_eq!(*value > 0.0, *height >= LEAST, "{} is {}", value, height);
            }
            prop_assert!(heights.iter().sum::<f64>() <= WHOLE + 1e-6);
        }

        #[test]
        fn a_plot_has_room_for_all_and_little_more(most in 0.001_f64..1e12, is_whole: bool) {
            let top = ceiling(most, is_whole);
            prop_assert!(top >= most * (1.0 - 1e-6));
            prop_assert!(top <= (most * 2.0).max(4.0));
        }
    }
}
