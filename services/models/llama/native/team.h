// The threads that compute a pass together, and how they share its work.
//
// Not OpenMP's: torch brings libgomp, which lets waiting threads spin for microseconds only once a process holds more
// of them than there are cores. Beside a main thread that ever computed anything, each of the hundreds of barriers of a
// pass then was a sleep and a wake-up. These threads spin through a pass and a little longer, then sleep.
#pragma once
#include <immintrin.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

class Team {
    using Clock = std::chrono::steady_clock;
    static constexpr auto SPIN = std::chrono::microseconds(20);    // at a barrier, before sleeping
    static constexpr auto LINGER = std::chrono::microseconds(500);  // after a pass, before sleeping
    static constexpr int SLOTS = 4;  // phases whose counters must not be mixed up

    struct alignas(64) Counter {
        std::atomic<int64_t> taken{0};
    };
    // A number that threads wait for the change of. They spin, then sleep, and never yield: among other programs' threads
    // that would give a whole time slice away, at every barrier (measured: 435 ms a pass instead of 20).
    struct alignas(64) Word {
        std::atomic<uint32_t> value{0};
        std::atomic<uint32_t> asleep{0};

        void change(uint32_t to) {
            value.store(to, std::memory_order_seq_cst);
            if (asleep.load(std::memory_order_seq_cst)) futex(FUTEX_WAKE_PRIVATE, INT32_MAX);
        }
        void wait(uint32_t old, Clock::duration patience) {
            const Clock::time_point begun = Clock::now();
            do {
                for (int i = 0; i < 64; i++) {
                    if (value.load(std::memory_order_acquire) != old) return;
                    _mm_pause();
                }
            } while (Clock::now() - begun < patience);
            asleep.fetch_add(1, std::memory_order_seq_cst);
            while (value.load(std::memory_order_seq_cst) == old) futex(FUTEX_WAIT_PRIVATE, old);
            asleep.fetch_sub(1, std::memory_order_relaxed);
        }
        void futex(int what, uint32_t number) { syscall(SYS_futex, &value, what, number, nullptr, nullptr, 0); }
    };

   public:
    // One of `count` threads in a run. All of them call `each` in the same order with the same numbers.
    class Member {
        Team& team;
        int64_t phase = 0;

       public:
        const int index, count;
        Member(Team& team, int index, int count) : team(team), index(index), count(count) {}

        // Do `body(i)` for every i below `n`, `chunk` at a time; returns when all members have done theirs. Each begins
        // with its own share and then helps the others with what is left of theirs.
        template <class Body>
        void each(int64_t n, int64_t chunk, Body&& body) {
            Counter* now = team.counters.get() + phase % SLOTS * team.most;
            // Nobody has used this slot since two barriers ago, and nobody will before two barriers from now.
            team.counters[(phase + 2) % SLOTS * team.most + index].taken.store(0, std::memory_order_relaxed);
            for (int v = 0; v < count; v++) {
                const int64_t whose = (index + v) % count;
                const int64_t first = n * whose / count, end = n * (whose + 1) / count;
                std::atomic<int64_t>& taken = now[whose].taken;
                while (taken.load(std::memory_order_relaxed) < end - first) {
                    const int64_t at = first + taken.fetch_add(chunk, std::memory_order_relaxed);
                    for (int64_t i = at; i < std::min(at + chunk, end); i++) body(i);
                }
            }
            phase++;
            team.meet(count);
        }
    };

    explicit Team(int most) : most(most), owner(getpid()), counters(new Counter[SLOTS * most]) {
        for (int index = 1; index < most; index++) std::thread([this, index] { work(index); }).detach();
    }

    // The process's team of at least `threads`. A team that became too small, or that a fork left without threads,
    // stays behind asleep: its threads may still look at it.
    static Team& of(int threads) {
        static std::atomic<Team*> one{nullptr};
        static std::mutex making;
        Team* found = one.load(std::memory_order_acquire);
        if (!found || found->most < threads || found->owner != getpid()) {
            std::lock_guard<std::mutex> held(making);
            found = one.load(std::memory_order_acquire);
            if (!found || found->most < threads || found->owner != getpid())
                one.store(found = new Team(threads), std::memory_order_release);
        }
        return *found;
    }

    // Call `part(member)` on `threads` threads, the caller's among them; returns when all are done. Callers take turns.
    template <class Part>
    void run(int threads, Part&& part) {
        threads = std::min(threads, 255);
        std::lock_guard<std::mutex> held(turn);
        for (int i = 0; i < SLOTS * most; i++) counters[i].taken.store(0, std::memory_order_relaxed);
        call = [](void* part, Member& member) { (*static_cast<std::remove_reference_t<Part>*>(part))(member); };
        argument = (void*)&part;
        if (threads > 1) {
            runs++;
            started.change(runs << 8 | (uint32_t)threads);
        }
        Member member(*this, 0, threads);
        part(member);
        meet(threads);
    }

   private:
    const int most;
    const pid_t owner;
    std::unique_ptr<Counter[]> counters;
    std::mutex turn;
    Word started;  // the run's number and, in the lowest 8 bits, how many take part
    Word passed;
    alignas(64) std::atomic<int> arrived{0};
    void (*call)(void*, Member&) = nullptr;
    void* argument = nullptr;
    uint32_t runs = 0;

    // A barrier.
    void meet(int count) {
        if (count == 1) return;
        const uint32_t now = passed.value.load(std::memory_order_relaxed);
        if (arrived.fetch_add(1, std::memory_order_acq_rel) == count - 1) {
            arrived.store(0, std::memory_order_relaxed);
            passed.change(now + 1);
        } else {
            passed.wait(now, SPIN);
        }
    }

    void work(int index) {
        uint32_t seen = 0;
        for (;;) {
            started.wait(seen, LINGER);
            seen = started.value.load(std::memory_order_acquire);
            const int count = seen & 0xFF;
            if (index >= count) continue;
            Member member(*this, index, count);
            call(argument, member);
            meet(count);
        }
    }
};
