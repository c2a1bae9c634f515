// swift-tools-version:6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

/// The system's C libraries; the Debian packages that bring them stand in the Makefile, the Dockerfile and the README.
let systemLibraries: [Target] = [
    .systemLibrary(name: "COpenSSL", path: "Shared/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
        name: "CPostgreSQL", path: "Shared/CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(
        name: "CPangoCairo", path: "Shared/CPangoCairo", pkgConfig: "pangocairo",
        providers: [.apt(["libpango1.0-dev", "libcairo2-dev"])]),
    .systemLibrary(
        name: "CQREncode", path: "Shared/CQREncode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
]

let shared: [Target] = [
    .target(name: "StrictJSON", path: "Shared/StrictJSON", swiftSettings: swift),
    .target(name: "Contracts", path: "Shared/Contracts", swiftSettings: swift),
    .target(
        name: "SecureTransport", dependencies: ["COpenSSL"] + nio, path: "Shared/SecureTransport",
        swiftSettings: swift),
    .target(name: "Cryptography", dependencies: ["COpenSSL"], path: "Shared/Cryptography", swiftSettings: swift),
    .target(
        name: "ServiceRuntime",
        dependencies: [
            "Contracts", "StrictJSON", "SecureTransport", "Cryptography",
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "SystemPackage", package: "swift-system"),
        ] + nio,
        path: "Shared/ServiceRuntime", swiftSettings: swift),
    .target(
        name: "Persistence",
        dependencies: [
            "Contracts", "StrictJSON", "Cryptography", "CPostgreSQL",
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ],
        path: "Shared/Persistence", swiftSettings: swift),
    .target(
        name: "DevelopmentDatabase", dependencies: ["Cryptography"], path: "Shared/DevelopmentDatabase",
        swiftSettings: swift),
    .target(
        name: "Documents", dependencies: ["Contracts", "CPangoCairo", "CQREncode"], path: "Shared/Documents",
        exclude: ["Voices/make"], resources: [.embedInCode("Voices/digits.bin")], swiftSettings: swift),
]

/// A service is an executable of its own; none imports another.
func service(_ name: String, _ extra: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["ServiceRuntime", "Persistence", "Cryptography", "Contracts", "StrictJSON"] + extra,
        path: "Services/\(name)", resources: resources, swiftSettings: swift)
}

/// One folder of tests per target; services are tested by `@testable import`.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, swiftSettings: swift)
}

let tests: [Target] = [
    // Counts calls of malloc.
    .target(name: "CAllocations", path: "Tests/CAllocations"),
    tests("StrictJSON", ["StrictJSON", "CAllocations"]),
    tests("Contracts", ["Contracts", "StrictJSON"]),
    tests("Cryptography", ["Cryptography", "COpenSSL"], exclude: ["make-corpus"]),
    tests("SecureTransport", ["SecureTransport", "Cryptography"] + nio),
    tests(
        "Persistence",
        ["Persistence", "Contracts", "DevelopmentDatabase", .product(name: "Logging", package: "swift-log")]),
    tests(
        "ServiceRuntime",
        [
            "ServiceRuntime", "Contracts", "Cryptography", "SecureTransport",
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ] + nio),
    tests("Documents", ["Documents", "Contracts"]),
    tests("Auth", ["Auth", "DevelopmentDatabase", "Contracts", "Cryptography", "Persistence", "ServiceRuntime"]),
    tests("Order", ["Order", "DevelopmentDatabase", "Contracts", "Cryptography", "Persistence"]),
    tests("Payment", ["Payment", "DevelopmentDatabase", "Contracts", "Persistence"]),
    tests("Invoice", ["Invoice", "Contracts"]),
    tests(
        "EndToEnd",
        [
            "Baohan", "Auth", "Order", "Payment", "Refund", "Invoice", "Portal", "Sandbox", "Contracts",
            "Cryptography", "Persistence", "ServiceRuntime", "SecureTransport", "DevelopmentDatabase",
        ] + nio),
]

/// libFuzzer brings the main function, so this is part of the package only where `make fuzz` builds it.
let fuzz: [Target] =
    Context.environment["BAOHAN_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "fuzz", dependencies: ["Contracts", "Cryptography", "StrictJSON"], path: "Tests/Fuzz",
            exclude: ["run"], swiftSettings: swift + [.unsafeFlags(["-parse-as-library"])])
    ]

let package = Package(
    name: "baohan",
    platforms: [.macOS(.v15)],
    products: ["Auth", "Order", "Payment", "Refund", "Invoice", "Portal", "Sandbox", "Baohan"].map {
        .executable(name: $0.lowercased(), targets: [$0])
    },
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
    ],
    targets: systemLibraries + shared + [
        service("Auth", ["Documents"]),
        service("Order", ["Documents"]),
        service("Payment", [.product(name: "SwiftCSV", package: "SwiftCSV")]),
        service("Refund"),
        service("Invoice", ["Documents"]),
        service(
            "Portal", [.product(name: "Mustache", package: "swift-mustache")],
            resources: ["login", "account", "layout", "problem"].map { .embedInCode("Pages/\($0).mustache") }
                + ["portal.css", "login.js"].map { .embedInCode("Assets/\($0)") }),
        service("Sandbox"),
        service(
            "Baohan",
            [
                "SecureTransport", "DevelopmentDatabase",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "ServiceRuntime", "Contracts", "Cryptography", "Documents", "SecureTransport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + nio,
            path: "Benchmarks/Bench", swiftSettings: swift),
    ] + tests + fuzz
)
