import StormKernel
import StormReclamation
import Testing

@testable import StormCalibration

/// What experiments make of what they saw; none of these touches the kernel.
@Suite struct ExperimentTests {
  @Test func `names are found as whole strings only`() {
    let text = "\0mount_flags\0MNT_SYNC_UMOUNT_OLD\0my_mnt_count\0mnt_gets\0"
    #expect(KernelName.names(in: Array(text.utf8)) == [.mountFlags, .gets])
    #expect(KernelName.names(in: []).isEmpty)
  }

  /// Umounts every 100 ms: an item that follows each, one that runs all the time, and one that comes now and then.
  @Test func `a work item belongs to umounts when it follows them and does not run before them`() {
    let moments = (1...10).map { UInt64($0) * 100_000_000 }
    func items(_ function: String, _ times: [UInt64]) -> [WorkItemTrace.Item] {
      times.map { WorkItemTrace.Item(nanoseconds: $0, function: function) }
    }
    var seen = items("delayed_mntput", moments.map { $0 + 4_000_000 })
    let always: [UInt64] = (0..<220).map { UInt64($0) * 5_000_000 }
    seen += items("vmstat_update", always)
    seen += items("wb_workfn", moments.prefix(4).map { $0 + 1_000_000 })
    seen += items("late", moments.map { $0 + 60_000_000 })
    #expect(WorkItemExperiment.functions(seen, caused: moments) == ["delayed_mntput"])
  }

  @Test func `a measured tail is drawn as long on average as it was`() {
    let time = TeardownMeasurement.serviceTime(of: [9, 10, 10, 10, 10, 10, 10, 10, 50, 90])
    #expect(time.typicalNanoseconds == 10)
    #expect(time.tailProbability == 0.2)
    // The average of the tail, 70, is a third of the way to the factor.
    let average: Double = 10 * (1 + (time.tailFactor - 1) / 3)
    #expect(abs(average - 70) < 0.001)
    #expect(TeardownMeasurement.serviceTime(of: [9, 10, 11]).tailProbability == 0)
  }
}
