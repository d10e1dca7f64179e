// swift-tools-version: 6.2
import PackageDescription

// The folders under Sources/NSStorm are layers. Each is a target of its own, so that the compiler
// refuses an import that points upwards: a layer may use only those that stand before it in this file.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

func layer(_ name: String, folder: String, uses dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/NSStorm/\(folder)",
    swiftSettings: strict)
}

func tests(
  _ folder: String, of dependencies: [Target.Dependency], data: [String] = []
) -> Target {
  .testTarget(
    name: folder, dependencies: dependencies, path: "Tests/\(folder)", exclude: data,
    swiftSettings: strict)
}

let package = Package(
  name: "nsstorm",
  products: [
    .executable(name: "nsstorm", targets: ["nsstorm"]),
    .library(
      name: "NSStorm",
      targets: [
        "StormVocabulary", "StormEngine", "StormReclamation", "StormPlanning", "StormScenario",
        "StormKernel", "StormVerdict", "StormTrace", "StormRun", "StormReproduction", "StormReport",
        "StormCalibration", "StormRecorder", "StormFleet", "StormHistory",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // A plugin for ci/docs; no target uses it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .target(
      name: "CMount",
      path: "Sources/CMount",
      cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [
        .linkedLibrary("cap"), .linkedLibrary("mount"),
        // Bound at the start, workers do without the Swift libraries (lighten.c).
        .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"]),
      ]),

    layer("StormVocabulary", folder: "Vocabulary"),
    layer("StormEngine", folder: "Engine", uses: ["StormVocabulary"]),
    layer(
      "StormReclamation", folder: "Reclamation",
      uses: ["StormVocabulary", .product(name: "HeapModule", package: "swift-collections")]),
    layer(
      "StormPlanning", folder: "Storm",
      uses: ["StormVocabulary", "StormEngine", .product(name: "Yams", package: "Yams")]),
    layer("StormKernel", folder: "Kernel", uses: ["StormVocabulary", "StormPlanning", "CMount"]),
    layer(
      "StormScenario", folder: "Scenario",
      uses: ["StormVocabulary", "StormEngine", "StormKernel"]),
    layer(
      "StormVerdict", folder: "Verdict",
      uses: ["StormVocabulary", "StormEngine", "StormReclamation", "StormPlanning"]),
    layer(
      "StormTrace", folder: "Trace",
      uses: ["StormVocabulary", "StormEngine", "StormPlanning", "StormKernel", "StormVerdict"]),
    layer(
      "StormRun", folder: "Run",
      uses: [
        "StormVocabulary", "StormEngine", "StormReclamation", "StormPlanning", "StormKernel",
        "StormVerdict", "StormTrace", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),
    layer(
      "StormReproduction", folder: "Reproduction",
      uses: [
        "StormVocabulary", "StormEngine", "StormPlanning", "StormKernel", "StormScenario",
        "StormVerdict", "StormTrace", "StormRun",
      ]),
    layer(
      "StormReport", folder: "Report",
      uses: [
        "StormVocabulary", "StormEngine", "StormPlanning", "StormKernel", "StormVerdict",
        "StormTrace", "StormRun", "StormReproduction",
      ]),

    layer(
      "StormHistory", folder: "History",
      uses: [
        "StormVocabulary", "StormPlanning", "StormKernel", "StormVerdict", "StormRun",
        "StormReport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),

    layer(
      "StormCalibration", folder: "Calibration",
      uses: ["StormVocabulary", "StormReclamation", "StormPlanning", "StormKernel", "CMount"]),

    layer(
      "StormRecorder", folder: "Recorder", uses: ["StormVocabulary", "CMount"]),

    layer("StormFleet", folder: "Fleet", uses: ["StormVocabulary", "StormKernel", "CMount"]),

    .executableTarget(
      name: "nsstorm",
      dependencies: [
        "CMount", "StormVocabulary", "StormEngine", "StormReclamation", "StormPlanning",
        "StormKernel", "StormScenario", "StormVerdict", "StormTrace", "StormRun",
        "StormReproduction", "StormReport", "StormCalibration", "StormRecorder", "StormFleet",
        "StormHistory",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Sources/nsstorm",
      swiftSettings: strict),

    tests("VocabularyTests", of: ["StormVocabulary"]),
    tests(
      "ProofTests",
      of: [
        "StormVocabulary", "StormEngine", "StormPlanning", "StormScenario", "StormVerdict",
        "StormTrace",
      ]),
    tests(
      "ScenarioTests", of: ["StormVocabulary", "StormEngine", "StormKernel", "StormScenario"],
      data: ["Data"]),
    tests("ReclamationTests", of: ["StormVocabulary", "StormReclamation"]),
    tests("PlanningTests", of: ["StormVocabulary", "StormEngine", "StormPlanning"]),
    .executableTarget(
      name: "StormSupervisor", dependencies: ["StormVocabulary", "StormKernel"],
      path: "Tests/StormSupervisor", swiftSettings: strict),
    tests(
      "KernelTests",
      of: [
        "StormVocabulary", "StormPlanning", "StormKernel", "StormVerdict", "StormTrace", "CMount",
        "StormSupervisor",
      ]),
    tests(
      "VerdictTests",
      of: ["StormVocabulary", "StormEngine", "StormReclamation", "StormPlanning", "StormVerdict"]),
    tests(
      "TraceTests",
      of: [
        "StormVocabulary", "StormEngine", "StormPlanning", "StormKernel", "StormVerdict",
        "StormTrace",
      ]),
    tests(
      "ReproductionTests",
      of: [
        "StormVocabulary", "StormEngine", "StormPlanning", "StormKernel", "StormScenario",
        "StormVerdict", "StormTrace", "StormRun", "StormReproduction",
      ]),
    tests("FleetTests", of: ["StormVocabulary", "StormKernel", "StormFleet"]),
    tests("CalibrationTests", of: ["StormReclamation", "StormKernel", "StormCalibration"]),
    tests(
      "ReportTests",
      of: [
        "StormVocabulary", "StormEngine", "StormPlanning", "StormKernel", "StormVerdict",
        "StormRun", "StormReport",
      ]),
    tests(
      "HistoryTests",
      of: ["StormKernel", "StormVerdict", "StormRun", "StormReport", "StormHistory"]),
    tests(
      "CommandTests",
      of: [
        "StormVocabulary", "StormReclamation", "nsstorm",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], data: ["Help"]),
  ]
)
