import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own producer behind one JSON line per command on stdin, each answered by one JSON line on stdout.
 * It writes what kafkajs's producer cannot: every codec, transactions that abort or stay open, and a million
 * records within seconds. {@code producer.js} starts it and documents the commands.
 *
 * <p>Usage: {@code java -cp 'lib/*' Produce '{"bootstrap.servers": "127.0.0.1:9092", …}'}
 */
public class Produce {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final KafkaProducer<byte[], byte[]> producer;

    private Produce(KafkaProducer<byte[], byte[]> producer) {
        this.producer = producer;
    }

    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        JSON.readTree(args[0]).properties().forEach(e -> config.put(e.getKey(), e.getValue().asText()));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader commands =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        try {
            if (config.containsKey("transactional.id")) {
                producer.initTransactions();
            }
            var tool = new Produce(producer);
            answers.println("{\"ready\":true}");
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                ObjectNode answer = JSON.createObjectNode();
                try {
                    tool.execute(JSON.readTree(line), answer);
                } catch (Exception e) {
                    Throwable cause = e.getCause() == null ? e : e.getCause();
                    answer.put("error", cause.toString());
                }
                answers.println(answer);
            }
        } finally {
            // An open transaction is aborted; one that is broken for good would wait for half a minute.
            producer.close(Duration.ofSeconds(5));
        }
    }

    private void execute(JsonNode command, ObjectNode answer) throws Exception {
        String name = command.path("command").asText();
        switch (name) {
            case "begin" -> producer.beginTransaction();
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            case "send" -> send(command, answer);
            case "generate" -> generate(command, answer);
            default -> throw new IllegalArgumentException("no such command: " + name);
        }
    }

    /** Given records; answers with partition and offset of each. */
    private void send(JsonNode command, ObjectNode answer) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode record : command.path("records")) {
            sent.add(producer.send(new ProducerRecord<>(
                command.path("topic").asText(),
                record.hasNonNull("partition") ? record.get("partition").asInt() : null,
                record.hasNonNull("timestamp") ? record.get("timestamp").asLong() : null,
                bytes(record.path("key")),
                bytes(record.path("value")),
                headers(record.path("headers")))));
        }
        producer.flush();
        ArrayNode records = answer.putArray("records");
        for (Future<RecordMetadata> future : sent) {
            RecordMetadata metadata = future.get();
            records.addObject().put("partition", metadata.partition()).put("offset", metadata.offset());
        }
    }

    /** Many records, round robin over partitions; answers with the offsets per partition, of each transaction too. */
    private void generate(JsonNode command, ObjectNode answer) throws Exception {
        String topic = command.path("topic").asText();
        int count = command.path("count").asInt();
        int size = command.path("valueBytes").asInt(0);
        boolean keys = command.path("keys").asBoolean(false);
        String prefix = command.path("prefix").asText("");
        Headers headers = headers(command.path("headers"));
        int partitions = producer.partitionsFor(topic).size();
        JsonNode outcomes = command.path("transactions");
        int each = outcomes.isEmpty() ? count : command.path("perTransaction").asInt(count);
        byte[] filler = filler(command.path("filler").asText("text"), size);

        long start = System.nanoTime();
        Ranges all = new Ranges();
        ArrayNode transactions = answer.putArray("transactions");
        for (int first = 0, number = 0; first < count; first += each, number++) {
            String outcome = outcomes.isEmpty() ? "" : outcomes.get(number % outcomes.size()).asText();
            if (!outcome.isEmpty()) {
                producer.beginTransaction();
            }
            Ranges ranges = new Ranges();
            for (int i = first; i < Math.min(count, first + each); i++) {
                byte[] text = (prefix + i).getBytes(StandardCharsets.UTF_8);
                byte[] value = text;
                if (size > text.length) {
                    value = filler.clone();
                    System.arraycopy(text, 0, value, 0, text.length);
                    value[text.length] = ' ';
                }
                byte[] key = keys ? String.valueOf(i).getBytes(StandardCharsets.UTF_8) : null;
                producer.send(new ProducerRecord<>(topic, i % partitions, null, key, value, headers), ranges::add);
            }
            producer.flush();
            ranges.check();
            all.add(ranges);
            if (!outcome.isEmpty()) {
                if (outcome.equals("commit")) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                }
                transactions.addObject().put("outcome", outcome).set("offsets", ranges.toJson());
            }
        }
        answer.put("seconds", (System.nanoTime() - start) / 1e9).set("offsets", all.toJson());
    }

    /** What fills a value behind its number: words, which compress about 4:1, or noise, which does not. */
    private static byte[] filler(String kind, int size) {
        Random random = new Random(1);
        byte[] filler = new byte[size];
        if (kind.equals("random")) {
            random.nextBytes(filler);
            return filler;
        }
        String[] words = {"order ", "created ", "amount ", "customer ", "status ", "paid ", "shipped "};
        StringBuilder text = new StringBuilder();
        while (text.length() < size) {
            text.append(words[random.nextInt(words.length)]).append(random.nextInt(1000)).append(' ');
        }
        System.arraycopy(text.toString().getBytes(StandardCharsets.UTF_8), 0, filler, 0, size);
        return filler;
    }

    private static byte[] bytes(JsonNode base64) {
        return base64.isTextual() ? Base64.getDecoder().decode(base64.asText()) : null;
    }

    /** From {@code [[name, base64 or null], …]}. */
    private static Headers headers(JsonNode pairs) {
        Headers headers = new RecordHeaders();
        for (JsonNode pair : pairs) {
            headers.add(pair.get(0).asText(), bytes(pair.get(1)));
        }
        return headers;
    }

    /** First and last offset per partition. The producer calls back on a thread of its own. */
    private static class Ranges {
        private final Map<Integer, long[]> ranges = new TreeMap<>();
        private Exception failure;

        synchronized void add(RecordMetadata metadata, Exception e) {
            if (e != null) {
                failure = e;
                return;
            }
            add(metadata.partition(), metadata.offset(), metadata.offset());
        }

        synchronized void add(Ranges other) {
            other.ranges.forEach((partition, range) -> add(partition, range[0], range[1]));
        }

        private void add(int partition, long first, long last) {
            long[] range = ranges.computeIfAbsent(partition, p -> new long[] {first, last});
            range[0] = Math.min(range[0], first);
            range[1] = Math.max(range[1], last);
        }

        synchronized void check() throws Exception {
            if (failure != null) {
                throw failure;
            }
        }

        synchronized ObjectNode toJson() {
            ObjectNode json = JSON.createObjectNode();
            ranges.forEach((partition, range) ->
                json.putArray(String.valueOf(partition)).add(range[0]).add(range[1]));
            return json;
        }
    }
}
