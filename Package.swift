// swift-tools-version: 6.2
import PackageDescription

// One strict settings list for every target of ours.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// MARK: - Products of others, by the names used below

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")

// MARK: - Makers: like targets are made alike

func module(
    _ name: String, _ path: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = [],
    exclude: [String] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(path)", exclude: exclude, resources: resources,
        swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", swiftSettings: strict)
}

let package = Package(
    name: "earshot",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "earshot", targets: ["Earshot"]),
        .library(
            name: "EarshotKit",
            targets: [
                "ByteJSON", "Common", "ServiceKit", "PostgresDatabase", "SQLiteDatabase", "KafkaLog", "SQLiteLog",
                "SpooledLog", "CurlTransport", "LocalFiles", "S3Files", "Connectors", "Notices",
                "Engines", "Fetcher", "Webhook", "Parser", "Reports", "Workspace", "Client", "Demo", "Compression",
                "Rows",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: ["JSON", "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", "4.0.0"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // C libraries, each behind one thin module
        .systemLibrary(
            name: "CCurl", path: "Sources/Common/C/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/Common/C/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CPQ", path: "Sources/Common/C/CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CRdKafka", path: "Sources/Common/C/CRdKafka", pkgConfig: "rdkafka",
            providers: [.apt(["librdkafka-dev"])]),

        // Common: words and contracts, no I/O
        module("ByteJSON", "Common/ByteJSON"),
        module("Common", "Common/Core", ["ByteJSON", crypto]),
        module("Compression", "Common/Compression", ["CZlib"]),
        module("Rows", "Common/Rows", ["ByteJSON"]),
        module("Threads", "Common/Threads"),

        // Backends: each implements one contract of Common
        module("SQLiteDatabase", "Common/Backends/SQLiteDatabase", ["Common", grdb, grdbSQLite]),
        module("PostgresDatabase", "Common/Backends/PostgresDatabase", ["Common", "CPQ"]),
        module("SQLiteLog", "Common/Backends/SQLiteLog", ["Common", "Threads", grdb, grdbSQLite, lifecycle]),
        module("KafkaLog", "Common/Backends/KafkaLog", ["Common", "Threads", "CRdKafka", lifecycle, logging, deque]),
        module("SpooledLog", "Common/Backends/SpooledLog", ["Common", lifecycle, logging, crypto]),
        module("CurlTransport", "Common/Backends/CurlTransport", ["Common", "CCurl"]),
        module("LocalFiles", "Common/Backends/LocalFiles", ["ByteJSON", "Common"]),
        module("S3Files", "Common/Backends/S3Files", ["Common", crypto]),

        // What all services run on
        .target(name: "CBuiltInManifests", path: "Sources/Connectors/BuiltIn/C"),
        module(
            "Connectors", "Connectors", ["ByteJSON", "Common", "CBuiltInManifests", crypto, yams],
            exclude: ["BuiltIn/C"]),
        module(
            "ServiceKit", "Common/ServiceKit",
            [
                "ByteJSON", "Common", "Connectors", hummingbird, hummingbirdCore, httpTypes, nioCore, nioHTTP1,
                nioPosix, lifecycle, logging, crypto, jwt, collections, heap,
            ]),

        module(
            "Notices", "Common/Notices", ["ByteJSON", "Common", "ServiceKit", hummingbird, httpTypes, crypto]),

        // The five services: siblings that meet in topics
        module(
            "Fetcher", "Fetcher",
            ["ByteJSON", "Common", "Connectors", "ServiceKit", lifecycle, logging, hummingbird, crypto]),
        module(
            "Webhook", "Webhook",
            [
                "ByteJSON", "Common", "Compression", "Rows", "Connectors", "ServiceKit", lifecycle, logging,
                hummingbird,
                httpTypes, nioCore, crypto, deque,
            ]),
        .target(name: "CModels", path: "Sources/Parser/Models", exclude: ["weights"]),
        module("Engines", "Parser/Engines", ["Common", "CModels"]),
        module(
            "Parser", "Parser/Service",
            ["ByteJSON", "Common", "Connectors", "Engines", "ServiceKit", lifecycle, logging, hummingbird, crypto]),
        module(
            "Reports", "Reports",
            [
                "ByteJSON", "Common", "Compression", "Notices", "ServiceKit", lifecycle, logging, hummingbird,
                httpTypes, nioCore,
                crypto,
            ]),
        module(
            "Workspace", "Workspace",
            [
                "ByteJSON", "Common", "Connectors", "ServiceKit", lifecycle, logging, hummingbird, httpTypes, crypto,
                jwt,
            ]),

        // A client of the server's HTTP interface, for commands and the demonstration
        module("Client", "Earshot/Client", ["ByteJSON", "Common", "Compression", "Rows"]),

        // The demonstration's world: a generator with ground truth, and a replay server
        module(
            "Demo", "Earshot/Demo",
            [
                "ByteJSON", "Client", "Common", "Compression", hummingbird, httpTypes, nioCore, lifecycle, logging,
                crypto,
            ]),

        // The executable: commands, and the one file that chooses backends
        .executableTarget(
            name: "Earshot",
            dependencies: [
                "ByteJSON", "Client", "Common", "Compression", "Rows", "Connectors", "ServiceKit", "PostgresDatabase",
                "SQLiteDatabase", "KafkaLog", "SQLiteLog", "SpooledLog", "CurlTransport", "LocalFiles", "S3Files",
                "Engines",
                "Fetcher",
                "Webhook",
                "Parser", "Reports", "Workspace", "Demo", arguments, configuration, lifecycle, signals, logging,
                hummingbird, crypto,
            ],
            path: "Sources/Earshot/App", swiftSettings: strict),

        // Tests
        .target(
            name: "TestKit",
            dependencies: [
                "ByteJSON", "Common", "Connectors", "PostgresDatabase", "ServiceKit", "SQLiteDatabase", hummingbird,
                httpTypes, lifecycle, logging, yams,
            ],
            path: "Tests/Support", swiftSettings: strict),
        tests("ByteJSON", ["ByteJSON", "TestKit"]),
        tests("Common", ["Common", "ByteJSON", "TestKit"]),
        .executableTarget(
            name: "LogProbe", dependencies: ["Common", "SQLiteLog"], path: "Tests/Probes/LogProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "KafkaMock", dependencies: ["CRdKafka"], path: "Tests/Probes/KafkaMock", swiftSettings: strict),
        tests(
            "Backend",
            [
                "Common", "Compression", "KafkaLog", "KafkaMock", "LogProbe", "PostgresDatabase", "SQLiteDatabase",
                "SQLiteLog", "SpooledLog", "CurlTransport", "LocalFiles", "S3Files", "TestKit", grdb, hummingbird,
                nioCore,
                lifecycle,
                logging,
            ]),
        tests("Connector", ["ByteJSON", "Common", "Connectors", "Rows", "TestKit", crypto]),
        .executableTarget(
            name: "JobProbe",
            dependencies: ["ByteJSON", "Common", "PostgresDatabase", "SQLiteDatabase", "ServiceKit", logging],
            path: "Tests/Probes/JobProbe", swiftSettings: strict),
        tests(
            "ServiceKit",
            [
                "ByteJSON", "Common", "JobProbe", "ServiceKit", "SQLiteLog", "TestKit", hummingbird, httpTypes,
                lifecycle, logging,
                crypto,
            ]),
        tests(
            "Notice",
            [
                "ByteJSON", "Common", "Connectors", "CurlTransport", "Notices", "ServiceKit", "SQLiteLog", "TestKit",
                hummingbird, httpTypes, lifecycle, logging, crypto,
            ]),
        tests(
            "Fetcher",
            [
                "ByteJSON", "Common", "Connectors", "Fetcher", "ServiceKit", "SQLiteLog", "CurlTransport",
                "TestKit", hummingbird, httpTypes, lifecycle, logging,
            ]),
        tests(
            "Webhook",
            [
                "ByteJSON", "Client", "Common", "Compression", "Rows", "Connectors", "Webhook", "ServiceKit",
                "SQLiteLog", "CurlTransport", "LocalFiles", "TestKit", hummingbird, httpTypes, nioCore, lifecycle,
                logging, crypto,
            ]),
        tests("Engine", ["Common", "Compression", "ByteJSON", "Engines", "TestKit"]),
        tests(
            "Parser",
            [
                "ByteJSON", "Common", "Connectors", "Engines", "Parser", "ServiceKit", "SQLiteLog",
                "TestKit", hummingbird, lifecycle, logging, crypto,
            ]),
        tests(
            "Reports",
            [
                "ByteJSON", "Common", "CurlTransport", "LocalFiles", "Notices", "Reports", "S3Files", "ServiceKit",
                "SQLiteLog", "TestKit", hummingbird, httpTypes, lifecycle, logging, crypto,
            ]),
        tests(
            "Workspace",
            [
                "ByteJSON", "Common", "Connectors", "CurlTransport", "LocalFiles", "Parser", "Reports", "Webhook",
                "Workspace",
                "ServiceKit",
                "SQLiteLog", "TestKit", hummingbird, httpTypes, lifecycle, logging, crypto,
            ]),
        tests("Demo", ["ByteJSON", "Common", "Compression", "Demo", "TestKit"]),
        tests("Architecture", ["TestKit", yams]),
        tests(
            "Pipeline",
            [
                "ByteJSON", "Client", "Common", "Connectors", "CurlTransport", "Demo", "Engines", "KafkaMock", "Parser",
                "Reports", "SQLiteDatabase", "SQLiteLog", "ServiceKit", "TestKit", lifecycle, logging,
            ]),
    ]
)
