import ArgumentParser

/// Measures speed as ratios: each figure beside a limit or a peer, in the same run, on the same machine.
@main
struct EarshotBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "earshot-bench",
        abstract: "Measure the parts and the whole beside their limits.",
        subcommands: [
            JSONBenchmark.self, MappingBenchmark.self, LogBenchmark.self, KafkaBenchmark.self, RowsBenchmark.self,
            EnginesBenchmark.self, WebhookBenchmark.self, PipelineBenchmark.self, JobsBenchmark.self,
            SinkBenchmark.self, InsightsBenchmark.self, DistributedBenchmark.self, ExportBenchmark.self,
        ])
}
