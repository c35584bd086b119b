//! What must hold for any group.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

const TOPICS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn topics() -> impl Strategy<Value = Vec<Topic>> {
    let racks = prop_oneof![Just(vec![]), subsequence(vec!["x", "y", "z"], 0..=3)];
    let racks = racks.prop_map(|racks| racks.into_iter().map(str::to_owned).collect());
    let partitions = proptest::collection::vec(racks, 0..9);
    let partitions = partitions
        .prop_map(|all| all.into_iter().zip(0..).map(|(racks, id)| Partition { id, racks }).collect());
    proptest::collection::vec(partitions, TOPICS.len()).prop_map(|all: Vec<Vec<Partition>>| {
        let named = all.into_iter().zip(TOPICS);
        named.map(|(partitions, name)| Topic { name: name.to_owned(), partitions }).collect()
    })
}

fn some_member(equal: bool) -> impl Strategy<Value = Member> {
    let subscribed =
        subsequence(TOPICS.to_vec(), if equal { TOPICS.len()..=TOPICS.len() } else { 0..=TOPICS.len() });
    let claims = proptest::collection::vec((select(TOPICS.to_vec()), 0..10), 0..8);
    let rack = proptest::option::of(select(vec!["x", "y", "other", ""]));
    (subscribed, claims, 3..6, rack).prop_map(|(subscribed, claims, generation, rack)| {
        let mut member = member("", &subscribed);
        member.subscription.rack = rack.map(str::to_owned);
        let mut owned: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        claims.into_iter().for_each(|(topic, id)| {
            owned.entry(topic).or_default().insert(id);
        });
        let owned = owned.into_iter().map(|(topic, ids)| (topic.to_owned(), ids.into_iter().collect()));
        own_now(&mut member, owned.collect(), generation);
        member
    })
}

/// Claims of all kinds: of what is not there, of what others claim, of older generations.
fn worlds(equal: bool) -> impl Strategy<Value = World> {
    (topics(), proptest::collection::vec((some_member(equal), any::<bool>()), 1..7)).prop_map(
        |(topics, members)| {
            let name = |(number, (member, is_static)): (usize, (Member, bool))| Member {
                id: format!("m{number}"),
                instance_id: is_static.then(|| format!("i{}", 10 - number)),
                ..member
            };
            World { topics, members: members.into_iter().enumerate().map(name).collect() }
        },
    )
}

fn any_world() -> impl Strategy<Value = World> {
    any::<bool>().prop_flat_map(worlds)
}

fn loads(world: &World, given: &Owned) -> Vec<usize> {
    let load = |member: &Member| given.values().filter(|owner| **owner == member.id).count();
    world.members.iter().map(load).collect()
}

proptest! {
    #[test]
    fn each_partition_goes_to_one_that_subscribes_to_it(world in any_world()) {
        for assignor in [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky] {
            world.assert_complete(&world.assign(assignor));
        }
        let given = world.assign(Assignor::CooperativeSticky);
        world.assert_subscribed(&given);
        world.assert_withheld(&given);
    }

    #[test]
    fn equal_subscriptions_get_equal_shares(world in worlds(true)) {
        for assignor in [Assignor::RoundRobin, Assignor::Sticky] {
            let loads = loads(&world, &world.assign(assignor));
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{loads:?}");
        }
    }

    /// Nobody has two more than somebody else that could have one of them.
    #[test]
    fn sticky_is_balanced_whatever_is_subscribed_to(world in any_world()) {
        let given = world.assign(Assignor::Sticky);
        let loads: BTreeMap<&str, usize> =
            world.members.iter().map(|member| member.id.as_str()).zip(loads(&world, &given)).collect();
        for ((topic, id), owner) in &given {
            let others = world.members.iter().filter(|other| world.subscribes(&other.id, topic));
            for other in others {
                prop_assert!(loads[&**owner] <= loads[&*other.id] + 1, "{topic}-{id} of {owner} should be {}'s", other.id);
            }
        }
    }

    #[test]
    fn the_order_of_members_and_topics_is_of_no_account(
        (world, other) in any_world().prop_flat_map(|world| {
            let members = Just(world.members.clone()).prop_shuffle();
            let topics = Just(world.topics.clone()).prop_shuffle();
            (Just(world), (members, topics).prop_map(|(members, topics)| World { members, topics }))
        })
    ) {
        for assignor in Assignor::ALL {
            prop_assert_eq!(world.assign(assignor), other.assign(assignor));
        }
    }

    /// What is assigned stays assigned.
    #[test]
    fn a_group_comes_to_rest(mut world in any_world()) {
        let given = world.assign(Assignor::Sticky);
        world.rejoin(&given, 7);
        prop_assert_eq!(&world.assign(Assignor::Sticky), &given);
        prop_assert_eq!(&world.assign(Assignor::CooperativeSticky), &given);
    }

    /// A second round gives away what the first has withheld, and takes nothing from anybody: there is no third.
    #[test]
    fn cooperation_takes_two_rounds(mut world in any_world()) {
        let first = world.assign(Assignor::CooperativeSticky);
        let second = world.second_round(&first);
        world.assert_complete(&second);
        for (partition, member) in &first {
            prop_assert_eq!(second.get(partition), Some(member));
        }
    }

    #[test]
    fn user_data_never_panics(data: Vec<u8>) {
        let mut member = member("m", &["a"]);
        member.subscription.user_data = Some(data.into());
        user_data::previous(&member);
        user_data::owned(&member);
    }
}

/// 10,000 partitions among 1,000 members, who had them all otherwise. The bound is for machines that have other things to do;
/// `--nocapture` tells the time.
#[test]
fn a_large_group_is_assigned_in_no_time() {
    let names: Vec<String> = (0..100).map(|number| format!("topic-{number:03}")).collect();
    let topics = names.iter().map(|name| topic(name, 100)).collect();
    let subscriptions: [fn(usize, usize) -> bool; 2] =
        [|_, _| true, |member, topic| (member * 7 + topic * 13) % 10 < 5 || member == 0];
    for subscribes in subscriptions {
        let member = |number: usize| {
            let topics = names.iter().enumerate().filter(|(topic, _)| subscribes(number, *topic));
            member(&format!("member-{number}"), &topics.map(|(_, name)| name.as_str()).collect::<Vec<_>>())
        };
        let mut world = World { members: (0..1000).map(member).collect(), topics: Vec::clone(&topics) };
        // The first member has had everything.
        own_now(
            &mut world.members[0],
            names.iter().map(|name| (name.clone(), (0..100).collect())).collect(),
            3,
        );
        for assignor in Assignor::ALL {
            #[expect(clippy::disallowed_methods, reason = "what is measured is time")]
            let start = std::time::Instant::now();
            let shares = assignor.assign(&world.members, &world.topics);
            let took = start.elapsed();
            println!("{}: {took:?}", assignor.name());
            assert!(took.as_secs() < 10, "{} takes {took:?}", assignor.name());
            assert_eq!(shares.len(), 1000);
        }
    }
}
