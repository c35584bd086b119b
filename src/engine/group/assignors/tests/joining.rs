use bytes::Bytes;

use super::*;

#[test]
fn sticky_tells_in_its_user_data_what_was_assigned() {
    let joining = Joining {
        topics: vec!["a".into()],
        previous: vec![("a".into(), vec![0, 3])],
        generation: 7,
        ..Joining::default()
    };
    let expected = [0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7];
    let subscription = Assignor::Sticky.subscription(&joining);
    assert_eq!(subscription.user_data.as_deref(), Some(&expected[..]));
    for assignor in [Assignor::Range, Assignor::RoundRobin] {
        let subscription = assignor.subscription(&joining);
        assert_eq!((subscription.user_data, subscription.generation), (None, 7));
    }
}

#[test]
fn cooperative_sticky_tells_its_generation_to_leaders_that_read_no_later_version_than_v1() {
    let joining = Joining { owned: vec![("a".into(), vec![0, 3])], generation: 7, ..Joining::default() };
    let subscription = Assignor::CooperativeSticky.subscription(&joining);
    assert_eq!(subscription.user_data.as_deref(), Some(&[0, 0, 0, 7][..]));
    let seen_by_old =
        Member { subscription: Subscription { generation: -1, ..subscription }, ..member("m", &[]) };
    assert_eq!(user_data::owned(&seen_by_old), (joining.owned, 7));
}

#[test]
fn a_member_that_had_nothing_says_nothing() {
    let joining = Joining { generation: -1, ..Joining::default() };
    for assignor in Assignor::ALL {
        assert_eq!(assignor.subscription(&joining).user_data, None);
    }
}

#[test]
fn user_data_of_older_versions_has_no_generation() {
    let mut old = member("m", &["a"]);
    old.subscription.user_data = Some(Bytes::from_static(&[0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 5]));
    assert_eq!(user_data::previous(&old), (vec![("a".into(), vec![5])], -1));
    old.subscription.user_data = Some(Bytes::from_static(&[0, 0, 0, 9]));
    assert_eq!(user_data::previous(&old), (vec![], -1));
}

#[test]
fn the_generation_of_a_cooperative_member_is_in_its_user_data_before_v2() {
    let mut old = member("m", &["a"]);
    old.subscription.user_data = Some(Bytes::from_static(&[0, 0, 0, 9]));
    assert_eq!(user_data::owned(&old).1, 9);
    old.subscription.generation = 11;
    assert_eq!(user_data::owned(&old).1, 11);
}

#[test]
fn who_missed_a_generation_owns_nothing_that_others_own() {
    let mut world =
        World { members: vec![member("a", &["t"]), member("b", &["t"])], topics: vec![topic("t", 2)] };
    own_now(&mut world.members[0], vec![("t".into(), vec![0, 1])], 4);
    own_now(&mut world.members[1], vec![("t".into(), vec![0])], 5);
    for assignor in [Assignor::Sticky, Assignor::CooperativeSticky] {
        let given = world.assign(assignor);
        assert_eq!(given[&("t".into(), 0)], "b");
        assert_eq!(given[&("t".into(), 1)], "a");
    }
}

#[test]
fn what_two_claim_is_neithers() {
    let mut world =
        World { members: vec![member("a", &["t"]), member("b", &["t"])], topics: vec![topic("t", 2)] };
    own_now(&mut world.members[0], vec![("t".into(), vec![0])], 5);
    own_now(&mut world.members[1], vec![("t".into(), vec![0])], 5);
    let given = world.assign(Assignor::CooperativeSticky);
    assert_eq!(given.keys().collect::<Vec<_>>(), [&("t".to_owned(), 1)]);
}

#[test]
fn a_balance_that_needs_a_detour_is_found() {
    // What "full" has, only "middle" may have; and what that has, "empty".
    let members = vec![member("full", &["x"]), member("middle", &["x", "y"]), member("empty", &["y"])];
    let mut world = World { members, topics: vec![topic("x", 3), topic("y", 2)] };
    own_now(&mut world.members[0], vec![("x".into(), vec![0, 1, 2])], 5);
    own_now(&mut world.members[1], vec![("y".into(), vec![0, 1])], 5);
    let given = world.assign(Assignor::Sticky);
    assert_eq!(world.imbalance(&given), 2);
    assert_eq!(world.moves(&given), 2);
}

#[test]
fn a_cooperative_assignor_beside_an_eager_one_is_eager() {
    let of =
        |assignors: &[Assignor]| rebalance_protocol(assignors.iter().map(|one| one.rebalance_protocols()));
    assert_eq!(of(&[Assignor::CooperativeSticky]), Some(RebalanceProtocol::Cooperative));
    assert_eq!(of(&[Assignor::CooperativeSticky, Assignor::Range]), Some(RebalanceProtocol::Eager));
    assert_eq!(of(&[Assignor::Sticky]), Some(RebalanceProtocol::Eager));
    assert_eq!(
        rebalance_protocol([&[RebalanceProtocol::Cooperative][..], Assignor::Range.rebalance_protocols()]),
        None
    );
}

#[test]
fn names_are_kafkas() {
    let names = Assignor::ALL.map(Assignor::name);
    assert_eq!(names, ["range", "roundrobin", "sticky", "cooperative-sticky"]);
    assert_eq!(names.map(Assignor::from_name), Assignor::ALL.map(Some));
    assert_eq!(Assignor::from_name("RoundRobinAssigner"), None);
}
