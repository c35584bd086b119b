//! Against Kafka's own assignors: `__test__/kafka/assignors.txt` is what they gave, `Assignors.java` beside it how.

use bytes::Bytes;

use crate::engine::protocol::Assignment;

use super::*;

#[derive(Debug, Default)]
struct Case {
    topics: Vec<Topic>,
    members: Vec<Member>,
    /// Kind, member and bytes.
    bytes: Vec<(char, String, Bytes)>,
    given: BTreeMap<String, Owned>,
}

fn cases() -> Vec<Case> {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/__test__/kafka/assignors.txt"));
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        match (fields[0], cases.last_mut()) {
            ("case", _) => cases.push(Case::default()),
            ("t", Some(case)) => case.topics.push(parse_topic(&fields)),
            ("m", Some(case)) => case.members.push(parse_member(&fields)),
            (kind @ ("s" | "u" | "a"), Some(case)) => {
                case.bytes.push((kind.chars().next().unwrap(), fields[1].to_owned(), parse_hex(fields[2])));
            }
            (assignor, Some(case)) => {
                let mut given = Owned::new();
                for share in &fields[1..] {
                    let (member, partitions) = share.split_once('=').unwrap();
                    for (topic, ids) in parse_partitions(partitions) {
                        given.extend(ids.into_iter().map(|id| ((topic.clone(), id), member.to_owned())));
                    }
                }
                case.given.insert(assignor.to_owned(), given);
            }
            (_, None) => panic!("{line}"),
        }
    }
    assert!(cases.len() >= 200);
    cases
}

fn parse_topic(fields: &[&str]) -> Topic {
    let racks = |racks: &str| racks.split(',').filter(|rack| !rack.is_empty()).map(str::to_owned).collect();
    let partitions = fields[2].split('|').zip(0..).map(|(of, id)| Partition { id, racks: racks(of) });
    Topic { name: fields[1].to_owned(), partitions: partitions.collect() }
}

fn parse_member(fields: &[&str]) -> Member {
    let text = |field: &str| (field != "-").then(|| field.to_owned());
    let mut member = member(fields[1], &fields[5].split(',').collect::<Vec<_>>());
    member.instance_id = text(fields[2]);
    member.subscription.rack = text(fields[3]);
    own_now(&mut member, parse_partitions(fields[6]), fields[4].parse().unwrap());
    member
}

fn parse_partitions(text: &str) -> Partitions {
    let topics = text.split(';').filter_map(|topic| topic.split_once(':'));
    let ids = |ids: &str| ids.split(',').map(|id| id.parse().unwrap()).collect();
    topics.map(|(topic, list)| (topic.to_owned(), ids(list))).collect()
}

fn parse_hex(text: &str) -> Bytes {
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    bytes.collect()
}

fn world(case: &Case) -> World {
    World { members: case.members.clone(), topics: case.topics.clone() }
}

#[test]
fn range_and_round_robin_give_what_kafka_gives() {
    for (number, case) in cases().iter().enumerate() {
        for assignor in [Assignor::Range, Assignor::RoundRobin] {
            let given = world(case).assign(assignor);
            assert_eq!(given, case.given[assignor.name()], "case {number}, {}", assignor.name());
        }
    }
}

/// How often ours is better, for whoever runs this with `--nocapture`.
#[derive(Debug, Default)]
struct Tally {
    more_balanced: usize,
    more_moves: usize,
    /// Moves of ours and Kafka's.
    total: [usize; 2],
    /// Partitions in none of their members' racks.
    far: [usize; 2],
    fewer_moves: usize,
    equal: usize,
    fewer_rounds: usize,
}

impl Tally {
    fn assert_no_worse(&self) {
        assert!(self.total[0] <= self.total[1] && self.far[0] <= self.far[1], "{self:?}");
    }

    fn count(&mut self, world: &World, ours: &Owned, kafkas: &Owned, case: &str) {
        let (balance, kafkas_balance) = (world.imbalance(ours), world.imbalance(kafkas));
        let (moves, kafkas_moves) = (world.moves(ours), world.moves(kafkas));
        assert!(balance <= kafkas_balance, "{case}: imbalance {balance}, Kafka's {kafkas_balance}");
        if balance < kafkas_balance {
            self.more_balanced += 1; // which may take more moves
            return;
        }
        self.total = [self.total[0] + moves, self.total[1] + kafkas_moves];
        self.far = [self.far[0] + world.far(ours), self.far[1] + world.far(kafkas)];
        // With racks there are two aims, and not always the same compromise: there the sums have to do.
        let has_racks = world.members.iter().any(|member| member.subscription.rack.is_some());
        assert!(
            has_racks || moves <= kafkas_moves,
            "{case}: {moves} moves, Kafka's {kafkas_moves}\n{world:#?}\n{ours:?}\n{kafkas:?}"
        );
        self.more_moves += usize::from(moves > kafkas_moves);
        if moves < kafkas_moves {
            self.fewer_moves += 1;
        } else {
            self.equal += 1;
        }
    }
}

#[test]
fn sticky_is_as_balanced_as_kafkas_and_moves_no_more() {
    let mut tally = Tally::default();
    for (number, case) in cases().iter().enumerate() {
        let world = world(case);
        let (ours, kafkas) = (world.assign(Assignor::Sticky), &case.given["sticky"]);
        world.assert_complete(&ours);
        tally.count(&world, &ours, kafkas, &format!("case {number}"));
    }
    println!("sticky: {tally:?}");
    tally.assert_no_worse();
}

#[test]
fn cooperative_sticky_is_as_balanced_as_kafkas_after_its_second_step() {
    let mut tally = Tally::default();
    for (number, case) in cases().iter().enumerate() {
        let before = world(case);
        let first = before.assign(Assignor::CooperativeSticky);
        before.assert_subscribed(&first);
        before.assert_withheld(&first);
        let mut world = before.clone();
        let second = world.second_round(&first);
        world.assert_complete(&second);
        let kafkas = &case.given["cooperative-sticky+"];
        if kafkas.len() < second.len() {
            tally.fewer_rounds += 1;
        } else {
            tally.count(&before, &second, kafkas, &format!("case {number}"));
        }
    }
    println!("cooperative-sticky: {tally:?}");
    tally.assert_no_worse();
}

#[test]
fn the_bytes_are_those_of_kafka() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        for (kind, member, bytes) in &case.bytes {
            seen.insert(*kind);
            let member = case.members.iter().find(|other| other.id == *member).unwrap();
            match kind {
                's' => {
                    let subscription = Subscription::decode(bytes.clone()).unwrap();
                    let ours = Subscription {
                        user_data: subscription.user_data.clone(),
                        ..member.subscription.clone()
                    };
                    assert_eq!(subscription, ours);
                    assert_eq!(subscription.encode(), bytes);
                }
                'u' => {
                    let theirs = Member {
                        subscription: Subscription {
                            user_data: Some(bytes.clone()),
                            ..Subscription::default()
                        },
                        ..member.clone()
                    };
                    let mut previous = user_data::previous(&theirs);
                    previous.0.sort();
                    assert_eq!(previous, (member.subscription.owned.clone(), member.subscription.generation));
                    assert_eq!(
                        user_data::encode_previous(&user_data::previous(&theirs).0, previous.1),
                        bytes
                    );
                }
                _ => assert_eq!(Assignment::decode(bytes.clone()).unwrap().encode(), bytes),
            }
        }
    }
    assert_eq!(seen, BTreeSet::from(['a', 's', 'u']));
}
