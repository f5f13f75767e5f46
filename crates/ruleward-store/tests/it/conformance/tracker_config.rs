//! What accounts configured of their recorder.

use ruleward_types::{
    Channel, ObsChannel, Recorder, ResourceType, Selection, SmnChannel, TrackerConfig,
};

use super::Place;

pub(crate) fn config(types: Option<&[&str]>) -> TrackerConfig {
    let names = types.map(|types| types.iter().map(|name| (*name).to_owned()).collect());
    TrackerConfig {
        channel: Channel {
            smn: Some(SmnChannel {
                region_id: "r".to_owned(),
                project_id: "p".to_owned(),
                topic_urn: "urn:smn:r:p:\"é\"".to_owned(),
            }),
            obs: Some(ObsChannel {
                bucket_name: "b".to_owned(),
                bucket_prefix: None,
                region_id: "r".to_owned(),
            }),
        },
        retention_period_in_days: 30,
        ..TrackerConfig::of_operator(Selection::from(names))
    }
}

pub(crate) fn a_config_is_the_recorder(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    let recorder =
        |place: &Place, no| place.store().read(|tx| Ok(tx.account(no)?.unwrap().recorder)).unwrap();
    let stored = |place: &Place| place.store().read(|tx| tx.tracker_config(no)).unwrap();
    assert_eq!(stored(&place), None);
    for types in [Some(&["evs.volumes", "iam.users"][..]), None, Some(&["a.b"])] {
        let (put, expected) = (config(types), config(types));
        place.store().write(move |tx| tx.put_tracker_config(no, &put)).unwrap();
        assert_eq!(recorder(&place, no).selection, expected.selection);
        assert!(recorder(&place, no).enabled);
        assert_eq!(stored(&place), Some(expected));
    }
    let place = place.reopen();
    assert!(!recorder(&place, no).covers(&ResourceType::new("iam", "users")));
    assert!(recorder(&place, no).covers(&ResourceType::new("A", "B")));
    place.store().write(move |tx| tx.delete_tracker_config(no)).unwrap();
    assert_eq!(recorder(&place, no), Recorder::OFF);
    assert_eq!(stored(&place), None);
    assert_eq!(recorder(&place, other), Recorder::ON, "as it was inserted");
}

pub(crate) fn changes_of_a_day_are_counted(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    let count =
        |day| place.store().write(move |tx| tx.count_tracker_config_change(no, day)).unwrap();
    let changes = |no, day| place.store().read(|tx| tx.tracker_config_changes(no, day)).unwrap();
    assert_eq!(changes(no, 7), 0);
    count(7);
    count(7);
    assert_eq!((changes(no, 7), changes(no, 8), changes(other, 7)), (2, 0, 0));
    place.store().write(move |tx| tx.delete_tracker_config(no)).unwrap();
    assert_eq!(changes(no, 7), 2, "turning off and on is no way around");
    count(8);
    assert_eq!((changes(no, 7), changes(no, 8)), (0, 1));
    let stored = place.store().read(|tx| tx.tracker_config(no)).unwrap();
    assert_eq!(stored, None, "a count is no config");
}
