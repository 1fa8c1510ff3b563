# Reads surefire's XML reports and prints a line for each test: passed|failed|skipped TAB class TAB test TAB reason.
# Output that a test printed stands in CDATA sections and may look like anything, so those are cut out first.

function attribute(line, name,    start, rest) {
  start = index(line, " " name "=\"")
  if (start == 0) return ""
  rest = substr(line, start + length(name) + 3)
  return unescape(substr(rest, 1, index(rest, "\"") - 1))
}

# The message, or else the first line of the stack trace: a test that aborts itself has no message attribute.
function because(tag, whole,    message, start) {
  message = attribute(tag, "message")
  start = index(whole, "<![CDATA[")
  if (message == "" && start > 0) {
    message = substr(whole, start + 9)
    sub(/\]\]>.*/, "", message)
    sub(/^org\.opentest4j\.TestAbortedException: /, "", message)
    gsub(/\t/, " ", message)
  }
  return message
}

function unescape(text) {
  gsub(/&#(10|13|9);/, " ", text)
  gsub(/&lt;/, "<", text)
  gsub(/&gt;/, ">", text)
  gsub(/&quot;/, "\"", text)
  gsub(/&apos;/, "'", text)
  gsub(/&amp;/, "\\&", text)
  gsub(/\t/, " ", text)
  return text
}

function emit() {
  print status "\t" class "\t" test "\t" reason
  inside = 0
}

FNR == 1 { quoted = 0; inside = 0 }

{
  line = $0
  visible = ""
  while (line != "") {
    if (quoted) {
      end = index(line, "]]>")
      if (end == 0) break
      line = substr(line, end + 3)
      quoted = 0
    } else {
      start = index(line, "<![CDATA[")
      if (start == 0) { visible = visible line; break }
      visible = visible substr(line, 1, start - 1)
      line = substr(line, start + 9)
      quoted = 1
    }
  }
}

visible ~ /<testcase / {
  inside = 1
  status = "passed"
  reason = ""
  test = attribute(visible, "name")
  class = attribute(visible, "classname")
  if (visible ~ /<testcase [^>]*\/>/) { emit(); next }
}

inside && visible ~ /<(failure|error)[ >]/ {
  status = "failed"
  if (reason == "") reason = because(visible, $0)
}

inside && visible ~ /<skipped[ \/>]/ {
  status = "skipped"
  reason = because(visible, $0)
}

inside && visible ~ /<\/testcase>/ { emit() }
