import StormVerdict
import StormVocabulary

extension RaceCase {
  /// A program that needs libc alone: it races the calls again and again, each time in new namespaces, and exits with 0 when
  /// no forbidden outcome was seen, 1 when one was, and 4 when it cannot run.
  func cProgram() throws(ReproducerError) -> String {
    let racing = calls.map { racer, call in
      ReproducerCase.Step(
        namespace: racers[racer].process, operation: call.operation, errno: .none)
    }
    let steps = ReproducerCase(
      steps: lead + racing, facts: [],
      divergence: Divergence(
        step: 0, namespace: 0, operation: nil, predictedErrno: .none, observedErrno: .none),
      kernel: kernel)
    let names = ScenarioNames(lead + racing)
    let program = CProgram(
      steps, race: (declarations(names), CRacePieces.racing(usesThreads: usesThreads)))
    guard !program.borrowsDirectory || !usesThreads else {
      throw .cannotRace(
        "threads share the working directory, which calls on `/proc/self/fd` must borrow here")
    }
    var text = "/*\n"
    for line in heading(names) { text += line.isEmpty ? " *\n" : " * \(CProgram.comment(line))\n" }
    text += """
       *
       * cc -Wall\(usesThreads ? " -pthread" : "") -o reproducer reproducer.c && ./reproducer [ROUNDS] (as root)
       * Exits with 0 when no round had a forbidden outcome, 1 when one had, 4 when it cannot tell. Everything happens in
       * mount namespaces of its own. A race may need many rounds: an end with 0 says only that these had none.
       *
       * Written by nsstorm. Symptom: \(CProgram.comment("\(symptom)"))
       */

      """
    let body = program.body.replacing(
      "#include <unistd.h>",
      with: "#include <time.h>\n#include <unistd.h>" + (usesThreads ? "\n#include <pthread.h>" : "")
    )
    return text + body + "\n\n" + round(names) + "\n\n" + CRacePieces.main + "\n"
  }

  private var usesThreads: Bool { racers.contains(where: \.isThread) }

  private func heading(_ names: ScenarioNames) -> [String] {
    var lines = ["No order of these racing calls gives these answers, however they overlap:", ""]
    for (number, racer) in racers.enumerated() {
      let who = names.name(of: racer.process) + (racer.isThread ? ", a thread of it" : "")
      let made = zip(racer.calls, answers(of: number, in: forbidden.first ?? []))
      lines.append(
        "  \(number + 1) (\(who)): "
          + made.map { "\($0.operation) = \($1 == .none ? "0" : $1.name)" }.joined(
            separator: ", then "))
    }
    lines.append("")
    if forbidden.count > 1 { lines.append("Forbidden as well: \(list(forbidden.dropFirst())).") }
    if !allowed.isEmpty { lines.append("Allowed: \(list(allowed[...])).") }
    lines.append("Seen on \(kernel).")
    for reason in reasons { lines.append("In the order that explains most, \(reason).") }
    return lines
  }

  private func answers(of racer: Int, in vector: [Errno]) -> [Errno] {
    zip(calls, vector).filter { $0.0.racer == racer }.map(\.1)
  }

  private func list(_ vectors: ArraySlice<[Errno]>) -> String {
    let most = 12
    let words = vectors.prefix(most).map { vector in
      "(" + vector.map { $0 == .none ? "0" : $0.name }.joined(separator: ", ") + ")"
    }
    return words.joined(separator: " ")
      + (vectors.count > most ? " and \(vectors.count - most) more" : "")
  }

  /// What the racers are, and which answers no order gives.
  private func declarations(_ names: ScenarioNames) -> String {
    var first = 0
    let rows = racers.map { racer in
      defer { first += racer.calls.count }
      return
        "\t{ \(names.name(of: racer.process)), \(racer.isThread ? 1 : 0), \(racer.cpu ?? -1), "
        + "\(first), \(racer.calls.count) },"
    }
    let calls = calls.enumerated().map { index, made in
      "\t{ \(lead.count + index + 1), \(made.call.delayNanoseconds), \(literal("\(made.racer + 1): \(made.call.operation)")) },"
    }
    let vectors = forbidden.map { vector in
      "\t{ \(vector.map(\.cName).joined(separator: ", ")) },"
    }
    return CRacePieces.declarations(
      racers: rows, calls: calls, forbidden: vectors)
  }

  private func round(_ names: ScenarioNames) -> String {
    var lines = [
      "/* One round, in a process of its own: 0, or 4 where the race did not begin or did not end. */",
      "static int play(void)", "{", "\tif (start())", "\t\treturn 4;",
    ]
    for (index, step) in lead.enumerated() {
      let name = names.name(of: step.namespace)
      lines.append(
        "\tlead(\(name), \(index + 1), \(step.errno.cName), \(literal("\(name): \(step.operation)")));"
      )
      if step.operation == .exit { lines.append("\twaitpid(pids[\(name)], NULL, 0);") }
    }
    lines += ["\treturn race_all();", "}"]
    return CRacePieces.leading + "\n\n" + lines.joined(separator: "\n")
  }
}

/// The fixed parts of programs that race.
enum CRacePieces {
  static func declarations(racers: [String], calls: [String], forbidden: [String]) -> String {
    """
    /* Who races: the process, whether a thread of it does, the CPU (-1: any), the first of its calls and how many. */
    static const struct racer { int who, thread, cpu, first, count; } racers[] = {
    \(racers.joined(separator: "\n"))
    };
    enum { RACERS = sizeof(racers) / sizeof(racers[0]) };

    /* What is called: the step, the nanoseconds before it, and how it is printed. */
    static const struct { int step; long wait; const char *text; } calls[] = {
    \(calls.joined(separator: "\n"))
    };
    enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

    /* Answers of all calls that no order of them gives. */
    static const int forbidden[][CALLS] = {
    \(forbidden.joined(separator: "\n"))
    };
    enum { FORBIDDEN = sizeof(forbidden) / sizeof(forbidden[0]) };

    /* What the processes of a round share with main(). */
    static struct {
    	int arrived, go;
    	unsigned int seed;
    	int answer[CALLS];
    } *shared;
    """
  }

  static func racing(usesThreads: Bool) -> String {
    let threads =
      usesThreads
      ? """

      	pthread_t thread[RACERS];

      	for (int i = 0; i < RACERS; i++)
      		if (racers[i].who == me && racers[i].thread &&
      		    pthread_create(&thread[i], NULL, run, (void *)&racers[i]))
      			return EAGAIN;
      """ : ""
    let joins =
      usesThreads
      ? """

      	for (int i = 0; i < RACERS; i++)
      		if (racers[i].who == me && racers[i].thread)
      			pthread_join(thread[i], NULL);
      """ : ""
    return """
      static void spin(long nanoseconds)
      {
      	struct timespec begin, now;

      	clock_gettime(CLOCK_MONOTONIC, &begin);
      	do
      		clock_gettime(CLOCK_MONOTONIC, &now);
      	while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < nanoseconds);
      }

      /* Waits for the others, then makes the calls of one racer, each a little earlier or later than in other rounds. */
      static void *run(void *argument)
      {
      	const struct racer *racer = argument;
      	unsigned int seed = shared->seed + racer->first * 7919;
      	cpu_set_t cpus;

      	if (racer->cpu >= 0) {
      		CPU_ZERO(&cpus);
      		CPU_SET(racer->cpu % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
      		sched_setaffinity(0, sizeof(cpus), &cpus);
      	}
      	__atomic_add_fetch(&shared->arrived, 1, __ATOMIC_SEQ_CST);
      	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
      		sched_yield();
      	for (int i = racer->first; i < racer->first + racer->count; i++) {
      		spin(calls[i].wait + rand_r(&seed) % 2000);
      		shared->answer[i] = step(calls[i].step);
      	}
      	return NULL;
      }

      /* Everything that a process races. */
      static int race(int me)
      {\(threads)
      	for (int i = 0; i < RACERS; i++)
      		if (racers[i].who == me && !racers[i].thread)
      			run((void *)&racers[i]);\(joins)
      	return 0;
      }
      """
  }

  /// Behind `make()`.
  static let leading = """
    /* What leads to the race must be answered as predicted, or nothing can be told. */
    static __attribute__((unused)) void lead(int who, int number, int expected, const char *text)
    {
    	int result = make(who, number);

    	if (result == expected)
    		return;
    	printf("SKIP: %s answered %d (%s) instead of %d\\n", text, result, result < 0 ? "nothing" : strerror(result),
    	       expected);
    	exit(4);
    }

    /* Lets all racers go at once; 0 when all have come back. */
    static int race_all(void)
    {
    	struct pollfd answer = { .fd = reply[0], .events = POLLIN };
    	int told[PROCESSES] = { 0 }, count = 0, number = 0;

    	for (int i = 0; i < RACERS; i++) {
    		if (told[racers[i].who]++)
    			continue;
    		if (write(command[racers[i].who][1], &number, sizeof(number)) < 0)
    			return 4;
    		count++;
    	}
    	for (int i = 0; __atomic_load_n(&shared->arrived, __ATOMIC_SEQ_CST) < RACERS; i++) {
    		if (i > 100000)
    			return 4;
    		usleep(10);
    	}
    	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
    	while (count--)
    		if (poll(&answer, 1, 30000) != 1 || read(reply[0], &number, sizeof(number)) != sizeof(number) || number)
    			return 4;
    	/* The others read the end of their pipes; only when they have gone is the next round alone. */
    	for (int i = 0; i < PROCESSES; i++)
    		close(command[i][1]);
    	while (wait(NULL) > 0)
    		;
    	return 0;
    }
    """

  static let main = """
    static int is_forbidden(void)
    {
    	for (int i = 0; i < FORBIDDEN; i++)
    		if (!memcmp(shared->answer, forbidden[i], sizeof(forbidden[i])))
    			return 1;
    	return 0;
    }

    /* The different outcomes and how often each was seen. */
    static struct { int answer[CALLS], is_forbidden; long times; } outcome[256];

    static void count(void)
    {
    	int i;

    	for (i = 0; i < 255 && outcome[i].times; i++)
    		if (!memcmp(outcome[i].answer, shared->answer, sizeof(outcome[i].answer)))
    			break;
    	memcpy(outcome[i].answer, shared->answer, sizeof(outcome[i].answer));
    	outcome[i].is_forbidden = is_forbidden();
    	outcome[i].times++;
    }

    int main(int argc, char **argv)
    {
    	long wanted = argc > 1 ? atol(argv[1]) : 1000, rounds = 0, failed = 0, seen = 0;
    	time_t end = time(NULL) + 60;
    	int status;

    	setvbuf(stdout, NULL, _IOLBF, 0);
    	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    	if (shared == MAP_FAILED)
    		return 4;
    	while (rounds + failed < wanted && time(NULL) < end && failed < 10) {
    		pid_t child;

    		memset(shared, 0, sizeof(*shared));
    		shared->seed = rounds;
    		child = fork();
    		if (child < 0)
    			return 4;
    		if (!child)
    			exit(play());
    		if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
    			failed++;
    			continue;
    		}
    		rounds++;
    		count();
    	}
    	for (int i = 0; i < 256 && outcome[i].times; i++) {
    		printf("%8ld times%s:", outcome[i].times, outcome[i].is_forbidden ? ", FORBIDDEN" : "");
    		for (int j = 0; j < CALLS; j++)
    			printf(" [%s] = %s", calls[j].text, outcome[i].answer[j] ? strerror(outcome[i].answer[j]) : "0");
    		printf("\\n");
    		if (outcome[i].is_forbidden)
    			seen += outcome[i].times;
    	}
    	if (!rounds) {
    		printf("SKIP: no round could be raced (is this root?)\\n");
    		return 4;
    	}
    	printf("A forbidden outcome in %ld of %ld rounds (%.2f %%).\\n", seen, rounds, 100.0 * seen / rounds);
    	printf("%s\\n", seen ? "The kernel does not behave." : "No round shows that the kernel does not behave.");
    	return seen ? 1 : 0;
    }
    """
}
