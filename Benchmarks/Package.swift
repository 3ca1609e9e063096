// swift-tools-version: 6.2
import PackageDescription

// Speed, as ratios measured side by side in one run: `make bench`.
let package = Package(
    name: "earshot-bench",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "earshot", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "EarshotBench",
            dependencies: [
                .product(name: "EarshotKit", package: "earshot"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ]
)
