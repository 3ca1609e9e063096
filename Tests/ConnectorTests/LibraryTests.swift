import Connectors
import Testing

@Suite struct LibraryTests {
    @Test func builtInManifestsLoad() {
        let library = ConnectorLibrary()
        #expect(library.problems == [], "\(library.problems.map(\.description).joined(separator: "\n"))")
        #expect(
            library.manifests.map(\.name) == [
                "app_store", "csv", "discourse", "github", "gitlab", "jsonl", "signed_webhook", "standard_webhook",
            ])
    }
}
