import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * What Kafka's own assignors give to groups that are made at random from a seed: the golden vectors of ours.
 * {@code assignors.js} runs it; {@code src/engine/group/assignors/tests/golden.rs} reads what it prints.
 *
 * <pre>
 * case NUMBER
 * t TOPIC rack,rack|rack|…                        the racks of each partition's replicas
 * m MEMBER INSTANCE RACK GENERATION TOPICS OWNED  topics t1,t2; partitions t1:0,1;t2:3; - for none
 * s MEMBER HEX   u MEMBER HEX   a MEMBER HEX      the bytes of subscription, user data of sticky, assignment of range
 * ASSIGNOR MEMBER=PARTITIONS …                    what it gives
 * ASSIGNOR+ MEMBER=PARTITIONS …                   and what when all have joined again with that
 * </pre>
 */
public class Assignors {
    private static final int GENERATION = 5;

    private final Random random;
    private final TreeMap<String, List<PartitionInfo>> topics = new TreeMap<>();
    private final TreeMap<String, Member> members = new TreeMap<>();
    private int joined = 0;

    private record Member(
        String instance, String rack, int generation, Set<String> topics, List<TopicPartition> owned) {

        Member with(int generation, List<TopicPartition> owned) {
            return new Member(instance, rack, generation, topics, owned);
        }
    }

    private Assignors(Random random) {
        this.random = random;
    }

    public static void main(String[] args) {
        var random = new Random(Long.parseLong(args[0]));
        int cases = Integer.parseInt(args[1]);
        for (int number = 0; number < cases; number++) {
            new Assignors(random).run(number);
        }
    }

    private void run(int number) {
        int racks = random.nextInt(2) * (2 + random.nextInt(2));
        boolean equal = random.nextInt(5) < 2;
        boolean alike = random.nextInt(3) == 0;
        int partitions = 1 + random.nextInt(9);
        for (int topic = 1 + random.nextInt(5); topic > 0; topic--) {
            grow("t" + topic, alike ? partitions : 1 + random.nextInt(9), racks, 1 + random.nextInt(3));
        }
        for (int count = 1 + random.nextInt(8); count > 0; count--) {
            join(racks, equal);
        }
        if (random.nextInt(5) > 0) {
            age(racks, equal, alike);
        }
        print(number);
    }

    private void grow(String topic, int partitions, int racks, int replicas) {
        var infos = topics.computeIfAbsent(topic, name -> new ArrayList<>());
        while (infos.size() < partitions) {
            var nodes = new Node[replicas];
            for (int replica = 0; replica < replicas; replica++) {
                boolean hasRack = racks > 0 && random.nextInt(12) > 0;
                int rack = random.nextInt(Math.max(1, racks));
                nodes[replica] = new Node(replica + 10 * rack, "h", 1, hasRack ? "r" + rack : null);
            }
            infos.add(new PartitionInfo(topic, infos.size(), null, nodes, nodes));
        }
    }

    private void join(int racks, boolean equal) {
        var subscribed = new TreeSet<>(topics.keySet());
        if (!equal) {
            subscribed.removeIf(topic -> random.nextInt(2) == 0);
        }
        if (subscribed.isEmpty()) {
            subscribed.add(topics.firstKey());
        }
        // Members are not told in the order in which they came.
        String id = "c" + (char) ('a' + random.nextInt(26)) + ++joined;
        String instance = random.nextInt(4) == 0 ? "i" + (90 - joined) : null;
        String rack = racks > 0 && random.nextInt(5) > 0 ? "r" + random.nextInt(racks) : null;
        members.put(id, new Member(instance, rack, -1, subscribed, List.of()));
    }

    /** Lets the group have had an assignment, and changes it since. */
    private void age(int racks, boolean equal, boolean alike) {
        var had = assign(new StickyAssignor());
        members.replaceAll((id, member) -> member.with(GENERATION, had.get(id)));
        if (random.nextInt(2) == 0 && members.size() > 1) {
            for (int leaving = 1 + random.nextInt(members.size() / 2); leaving > 0; leaving--) {
                members.remove(new ArrayList<>(members.keySet()).get(random.nextInt(members.size())));
            }
        }
        for (int joining = random.nextInt(3); joining > 0; joining--) {
            join(racks, equal);
        }
        if (random.nextInt(3) == 0 && !alike) {
            grow(topics.firstKey(), topics.get(topics.firstKey()).size() + 1 + random.nextInt(3), racks, 2);
        }
        if (random.nextInt(3) == 0 && !equal) {
            String id = members.lastKey();
            var member = members.get(id);
            var other = Set.of(topics.lastKey());
            members.put(id, new Member(member.instance, member.rack, member.generation, other, member.owned));
        }
        if (random.nextInt(4) == 0) {
            // Somebody who has missed a generation, or makes a mistake.
            String id = members.firstKey();
            var claimed = new ArrayList<>(members.lastEntry().getValue().owned);
            claimed.removeIf(partition -> random.nextInt(2) == 0);
            if (!id.equals(members.lastKey())) {
                members.put(id, members.get(id).with(GENERATION - random.nextInt(2), claimed));
            }
        }
    }

    private Map<String, List<TopicPartition>> assign(ConsumerPartitionAssignor assignor) {
        return assign(assignor, members);
    }

    private Map<String, List<TopicPartition>> assign(
        ConsumerPartitionAssignor assignor, Map<String, Member> members) {
        var infos = topics.values().stream().flatMap(List::stream).toList();
        var cluster = new Cluster("cluster", List.of(), infos, Set.of(), Set.of());
        var subscriptions = new TreeMap<String, Subscription>();
        members.forEach((id, member) -> subscriptions.put(id, subscription(assignor, member)));
        var given = assignor.assign(cluster, new GroupSubscription(subscriptions)).groupAssignment();
        return given.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> sorted(e.getValue().partitions())));
    }

    private static Subscription subscription(ConsumerPartitionAssignor assignor, Member member) {
        boolean eager = assignor instanceof StickyAssignor;
        ByteBuffer userData = eager ? userData(member) : null;
        var owned = eager ? List.<TopicPartition>of() : member.owned;
        var rack = Optional.ofNullable(member.rack);
        var subscription =
            new Subscription(List.copyOf(member.topics), userData, owned, member.generation, rack);
        subscription.setGroupInstanceId(Optional.ofNullable(member.instance));
        return subscription;
    }

    private static ByteBuffer userData(Member member) {
        var assignor = new StickyAssignor();
        if (member.generation >= 0) {
            var metadata = new ConsumerGroupMetadata("group", member.generation, "", Optional.empty());
            assignor.onAssignment(new Assignment(member.owned), metadata);
        }
        return assignor.subscriptionUserData(member.topics);
    }

    private void print(int number) {
        System.out.println("case " + number);
        topics.forEach((topic, infos) -> {
            var racks = infos.stream().map(info -> {
                var of = new TreeSet<String>();
                for (Node node : info.replicas()) {
                    if (node.rack() != null) of.add(node.rack());
                }
                return String.join(",", of);
            });
            System.out.println("t " + topic + " " + racks.collect(Collectors.joining("|")));
        });
        members.forEach((id, member) -> System.out.println(String.join(" ", "m", id, text(member.instance), text(member.rack),
            "" + member.generation, String.join(",", member.topics), text(member.owned))));
        var range = assign(new RangeAssignor());
        if (number < 12) {
            members.forEach((id, member) -> {
                System.out.println("s " + id + " " + hex(ConsumerProtocol.serializeSubscription(subscription(new CooperativeStickyAssignor(), member))));
                if (member.generation >= 0) System.out.println("u " + id + " " + hex(userData(member)));
                System.out.println("a " + id + " " + hex(ConsumerProtocol.serializeAssignment(new Assignment(range.get(id)))));
            });
        }
        print("range", range);
        print("roundrobin", assign(new RoundRobinAssignor()));
        print("sticky", assign(new StickyAssignor()));
        var first = assign(new CooperativeStickyAssignor());
        print("cooperative-sticky", first);
        var again = new TreeMap<String, Member>();
        members.forEach((id, member) -> again.put(id, member.with(GENERATION + 1, first.get(id))));
        print("cooperative-sticky+", assign(new CooperativeStickyAssignor(), again));
    }

    private static void print(String assignor, Map<String, List<TopicPartition>> given) {
        var shares = new TreeMap<>(given).entrySet().stream().map(e -> e.getKey() + "=" + text(e.getValue()));
        System.out.println(assignor + " " + shares.collect(Collectors.joining(" ")));
    }

    private static List<TopicPartition> sorted(List<TopicPartition> partitions) {
        var sorted = new ArrayList<>(partitions);
        sorted.sort((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()));
        return sorted;
    }

    private static String text(String text) {
        return text == null ? "-" : text;
    }

    private static String text(List<TopicPartition> partitions) {
        var byTopic = new TreeMap<String, List<String>>();
        partitions.forEach(p -> byTopic.computeIfAbsent(p.topic(), t -> new ArrayList<>()).add("" + p.partition()));
        var topics = byTopic.entrySet().stream().map(e -> e.getKey() + ":" + String.join(",", e.getValue()));
        return partitions.isEmpty() ? "-" : topics.collect(Collectors.joining(";"));
    }

    private static String hex(ByteBuffer bytes) {
        var copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HexFormat.of().formatHex(copy);
    }
}
