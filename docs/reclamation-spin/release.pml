/* The release of lazily detached mounts as in ReleaseSystem, design D0 (or D4+D5 with -DNOWAIT), scenario L and NW
 * walkers on each of NM mounts: the same steps, for a comparison of speed and verdicts with spin. Properties:
 * P2 (cleaned once), P7 (cleaned in the end; -DNOWAIT violates it), P9 (no early put; -DNOWAIT violates it). */
#ifndef NM
#define NM 2
#endif
#ifndef NW
#define NW 2
#endif
#define NP (NM + NM * NW)
#define REQUEST(i) (1 << (i))
#define FREE(m) (1 << (NM + (m)))

byte count[NM] = 1;
bool mounted[NM] = true;
bool doomed[NM], cleaned[NM], freed[NM];
bool mount_lock, namespace_sem;
bool reading[NP], sampling[NP], changed[NP], task_work[NP], done[NP];
byte waited_by[NP], predates[NP];
byte scratch;

inline take_lock() {
  mount_lock = true;
  scratch = 0;
  do
  :: scratch < NP ->
     if
     :: sampling[scratch] -> changed[scratch] = true
     :: else
     fi;
     scratch++
  :: else -> break
  od;
  scratch = 0
}

inline request(bit_) {
  scratch = 0;
  do
  :: scratch < NP ->
     if
     :: reading[scratch] -> waited_by[scratch] = waited_by[scratch] | bit_
     :: else
     fi;
     scratch++
  :: else -> break
  od;
  scratch = 0
}

inline mark_readers(m) {
  scratch = 0;
  do
  :: scratch < NP ->
     if
     :: reading[scratch] -> predates[scratch] = predates[scratch] | (1 << m)
     :: else
     fi;
     scratch++
  :: else -> break
  od;
  scratch = 0
}

#if NM * (NW + 1) != 6
#error "the two tests below name six processes"
#endif
#define OVER(b) ((waited_by[0] | waited_by[1] | waited_by[2] | waited_by[3] | waited_by[4] | waited_by[5]) & (b)) == 0
#define EARLY(m) ((predates[0] | predates[1] | predates[2] | predates[3] | predates[4] | predates[5]) & (1 << m)) != 0

inline leave(me) {
  reading[me] = false; sampling[me] = false; changed[me] = false;
  waited_by[me] = 0; predates[me] = 0
}

inline put(me, m, early) {
  atomic {
    if
    :: early && EARLY(m) -> violations_early()
    :: else
    fi;
    reading[me] = true; fast = mounted[m]
  };
  if
  :: fast -> atomic { count[m]--; leave(me); fast = false }
  :: else ->
     atomic { !mount_lock -> take_lock() };
     atomic {
       count[m]--; mount_lock = false; leave(me);
       if
       :: count[m] == 0 && !doomed[m] -> doomed[m] = true; task_work[me] = true
       :: else
       fi
     }
  fi
}

#ifdef NOWAIT
inline violations_early() { skip }
#else
inline violations_early() { assert(false) }
#endif

inline finish(me, m) {
  if
  :: task_work[me] ->
     atomic { assert(!cleaned[m]); cleaned[m] = true; task_work[me] = false; request(FREE(m)) }
  :: else
  fi;
  atomic { done[me] = true }
}

proctype Umounter(byte me; byte m) {
  bool fast;
  atomic { !mount_lock -> count[m]++ };
  atomic { !namespace_sem -> namespace_sem = true };
  atomic { !mount_lock -> take_lock() };
  atomic { mounted[m] };
  atomic { mounted[m] = false; mark_readers(m) };
#ifdef NOWAIT
  atomic { mount_lock = false; namespace_sem = false };
#else
  atomic { mount_lock = false; namespace_sem = false; request(REQUEST(me)) };
  atomic { OVER(REQUEST(me)) };
#endif
  put(me, m, true);
  put(me, m, false);
  finish(me, m)
}

proctype Walker(byte me; byte m) {
  bool fast;
  bool same;
  atomic { !mount_lock -> reading[me] = true; sampling[me] = true };
  if
  :: atomic { !mounted[m] -> leave(me); done[me] = true }; goto end_
  :: atomic { mounted[m] }
  fi;
  if
  :: atomic { changed[me] -> leave(me); done[me] = true }; goto end_
  :: atomic { !changed[me] }
  fi;
  atomic { count[m]++ };
  atomic {
    if
    :: !changed[me] -> same = true; leave(me)
    :: else -> sampling[me] = false; changed[me] = false
    fi
  };
  if
  :: same -> atomic { same = false; skip }
  :: else ->
     atomic { !mount_lock -> take_lock() };
     atomic {
       mount_lock = false; leave(me);
       if
       :: doomed[m] -> count[m]--; same = true
       :: else
       fi
     };
     if
     :: same -> atomic { done[me] = true }; goto end_
     :: else
     fi
  fi;
  put(me, m, false);
  finish(me, m);
end_: skip
}

proctype Freeing(byte m) {
end: atomic { cleaned[m] && OVER(FREE(m)) -> freed[m] = true }
}

proctype Judge() {
end: atomic {
    done[0] && done[1] && done[2] && done[3] && done[4] && done[5] ->
    assert(cleaned[0] && cleaned[1])
  }
}

init {
  byte i;
  atomic {
    for (i : 0 .. NM - 1) { run Umounter(i, i); run Freeing(i) }
    for (i : 0 .. NM * NW - 1) { run Walker(NM + i, i / NW) }
    run Judge();
    i = 0
  }
}
