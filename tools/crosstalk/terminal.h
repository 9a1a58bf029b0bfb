// A terminal in which one line is typed while others are printed: libedit's home.
//
// What is printed goes above the line that is being typed, which is then drawn
// again. The terminal is restored at the end, and while the process is stopped.
// Signals that a terminal sends are taken as keys; one at a time.
#pragma once

#include <histedit.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crosstalk {

class Terminal {
 public:
  // Whether there is one, good enough for editing.
  static bool there();

  // What is drawn before the line: UTF-8 that is fit for a terminal.
  using Prompt = std::function<std::string()>;
  // Called when `socket` is readable or the time is up; says what to wait for next.
  struct Watch {
    int socket = -1;
    int wait_ms = -1;
    bool over = false;  // no more lines are wanted
  };
  using Turn = std::function<Watch(bool readable)>;

  Terminal(Prompt prompt, Turn turn);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // The next line without its end; nothing when no more is typed or wanted.
  std::optional<std::string> read_line();

  // One turn without anything being typed; false where somebody wants no more of them.
  bool wait();

  // A line, above what is being typed.
  void print(std::string_view line);

 private:
  static char* on_prompt(EditLine* edit);
  static int on_read(EditLine* edit, wchar_t* c);
  static Terminal& of(EditLine* edit);

  int next_char(wchar_t* c);
  bool take_char(wchar_t* c);
  bool on_signal(wchar_t* c, int* result);
  bool typed_anything() const;
  void take_turn(bool readable);
  void clear_line();
  void draw_line();
  void stop();

  Prompt prompt_;
  Turn turn_;
  Watch watch_{};
  std::string shown_prompt_{};  // what libedit has drawn
  std::string drawn_{};         // the prompt that take_turn compares with
  std::string bytes_{};         // typed, not yet handed on
  bool reading_ = false;        // a line is on the screen
  bool cleared_ = false;        // … or was, and is to be drawn again
  bool ended_ = false;
  int signals_ = -1;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
};

}  // namespace crosstalk
