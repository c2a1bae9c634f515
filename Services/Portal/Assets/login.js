// The one page that needs a script: only a script can ask the key agent on this machine.
"use strict";

const lock = document.getElementById("lock");
const doctor = document.getElementById("doctor");
const form = document.getElementById("answer");
const agent = lock.dataset.agent;

async function ask(path, body) {
  // The agent speaks the page's language, whatever the browser's is.
  const headers = { "Accept-Language": document.documentElement.lang };
  if (body) headers["Content-Type"] = "application/json";
  const reply = await fetch(agent + path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  const answer = await reply.json();
  if (!reply.ok) throw Object.assign(new Error(answer.title), { answer });
  return answer;
}

async function listCertificates() {
  let list;
  try {
    list = (await ask("/v1/certificates")).certificates;
  } catch (error) {
    doctor.textContent = error.answer
      ? "CA 锁驱动拒绝了本网站：" + error.answer.title
      : "没有找到 CA 锁驱动。请安装并启动驱动，插好 CA 锁后刷新本页；或者使用浏览器证书登录。";
    return;
  }
  if (list.length === 0) {
    doctor.textContent = "驱动已启动，但没有发现 CA 锁。请插好 CA 锁后刷新本页。";
    return;
  }
  const select = document.getElementById("certificate");
  for (const item of list) {
    const option = new Option(item.label + (item.isLocked ? "（已锁定）" : ""), item.id);
    option.disabled = item.isLocked;
    select.add(option);
  }
  doctor.textContent = "CA 锁驱动正常，发现 " + list.length + " 张证书。";
  form.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  const pin = document.getElementById("pin");
  button.disabled = true;
  try {
    const reply = await fetch("/login/challenge", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: form.token.value }),
    });
    if (!reply.ok) throw new Error("暂时无法登录，请刷新本页后重试。");
    const challenge = await reply.json();
    const signed = await ask("/v1/signatures", {
      certificate: document.getElementById("certificate").value, pin: pin.value, text: challenge.text,
    });
    form.challenge.value = challenge.id;
    form.signature.value = signed.signature;
    form.certificates.value = signed.certificates;
    form.submit();
  } catch (error) {
    doctor.textContent = error.message;
    pin.value = "";
    button.disabled = false;
  }
});

listCertificates();
