#![allow(clippy::unwrap_used)]

use super::*;

fn series(name: &str, hue: u8, values: &[Option<f64>]) -> Series {
    Series {
        name: name.to_owned(),
        note: String::new(),
        hue,
        is_dashed: false,
        values: values.to_vec(),
    }
}

fn drawing(shape: Shape, series: Vec<Series>) -> Drawing {
    let steps = series.first().map_or(0, |one| one.values.len());
    Drawing {
        id: "c",
        title: "Events <a second>".to_owned(),
        level: 3,
        shape,
        is_whole: true,
        labels: (0..steps).map(|step| format!("{step}:00")).collect(),
        axis: Vec::new(),
        step: "Hour",
        series,
        told: "Some \"events\".".to_owned(),
        rows: (2, Fold::Sum),
        away_from: None,
    }
}

fn one_path(chart: &Chart) -> (&str, &str) {
    assert_eq!(chart.paths.len(), 1);
    (&chart.paths[0].class, &chart.paths[0].d)
}

#[test]
fn a_line_is_broken_where_nothing_was_counted() {
    let values = [Some(0.0), Some(4.0), None, Some(2.0), None, Some(4.0), Some(1.0)];
    let chart = Chart::new(drawing(Shape::Lines, vec![series("n", 1, &values)]));
    assert_eq!(one_path(&chart), ("ln s1", "M0.5 100L1.5 0M3.5 50h.5M5.5 0L6.5 75"));
    assert_eq!(chart.width, 7);
}

#[test]
fn what_is_below_a_line_may_be_filled() {
    let values = [Some(4.0), Some(2.0)];
    let chart = Chart::new(drawing(Shape::Areas, vec![series("n", 2, &values)]));
    let paths: Vec<_> = chart.paths.iter().map(|path| (&*path.class, &*path.d)).collect();
    assert_eq!(paths, [("ar s2", "M0.5 0L1.5 50L1.5 100L0.5 100z"), ("ln s2", "M0.5 0L1.5 50"),]);
}

#[test]
fn bars_stand_on_each_other() {
    let some = series("some", 1, &[Some(2.0), Some(0.0)]);
    let others = series("others", 4, &[Some(1.0), None]);
    let chart = Chart::new(drawing(Shape::Bars, vec![some, others]));
    let paths: Vec<_> = chart.paths.iter().map(|path| &*path.d).collect();
    assert_eq!(paths, ["M1 50h8v50h-8z", "M1 25h8v25h-8z"]);
    let hits: Vec<_> = chart.hits.iter().map(|hit| (hit.x, hit.width, &*hit.title)).collect();
    assert_eq!(hits, [(0, 10, "0:00: some 2, others 1"), (10, 10, "1:00: nothing")]);
}

#[test]
fn axes_have_round_numbers_and_the_names_of_steps() {
    let values: Vec<_> = (0..8).map(|n| Some(f64::from(n) * 10.0)).collect();
    let chart = Chart::new(drawing(Shape::Bars, vec![series("n", 1, &values)]));
    assert_eq!(chart.y, ["80", "60", "40", "20", "0"]);
    assert_eq!(chart.x, ["0:00", "2:00", "4:00", "6:00"]);
    let mut drawing = drawing(Shape::Bars, vec![series("n", 1, &values)]);
    drawing.axis = (0..8).map(|step| step.to_string()).collect();
    assert_eq!(Chart::new(drawing).x, ["0", "2", "4", "6"]);
}

#[test]
fn figures_put_steps_together() {
    let values = [Some(1.0), Some(3.0), None, None, Some(5.0)];
    for (fold, expected) in
        [(Fold::Sum, ["4", "–", "5"]), (Fold::Mean, ["2", "–", "5"]), (Fold::Most, ["3", "–", "5"])]
    {
        let mut drawing = drawing(Shape::Lines, vec![series("n", 1, &values)]);
        drawing.rows = (2, fold);
        let rows = Chart::new(drawing).rows;
        let labels: Vec<_> = rows.iter().map(|(label, _)| &**label).collect();
        assert_eq!(labels, ["0:00", "2:00", "4:00"]);
        assert_eq!(rows.iter().map(|(_, row)| &*row[0]).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_time_without_a_database_is_marked() {
    let values = [Some(1.0), Some(1.0), Some(1.0)];
    for (from, marked) in [(Some(1), Some(1)), (Some(3), None), (None, None)] {
        let mut drawing = drawing(Shape::Lines, vec![series("n", 1, &values)]);
        drawing.away_from = from;
        assert_eq!(Chart::new(drawing).away, marked);
    }
}

#[test]
fn strangers_texts_stay_text_and_there_is_no_style() {
    let values = [Some(1.0)];
    let mut drawing = drawing(Shape::Bars, vec![series("<img src=x>", 1, &values)]);
    drawing.away_from = Some(0);
    let html = Chart::new(drawing).render().unwrap();
    assert!(!html.contains("<img") && !html.contains("style="), "{html}");
    assert!(html.contains("<h3 id=\"c\">Events &#60;a second&#62;</h3>"), "{html}");
    assert!(html.contains("aria-label=\"Some &#34;events&#34;.\""), "{html}");
}

#[test]
fn a_chart_of_nothing_is_a_chart() {
    let chart = Chart::new(drawing(Shape::Lines, Vec::new()));
    assert_eq!((chart.width, chart.paths.len(), chart.rows.len()), (1, 0, 0));
    chart.render().unwrap();
}
