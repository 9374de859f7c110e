# SPDX-License-Identifier: GPL-2.0-only
"""The ioctls, as the UAPI header and the kernel's tables have them."""
import re

TARGETS = ('device', 'region', 'queue')
SIZES = {'__u64': 8, '__u32': 4, '__s32': 4, '__u16': 2, '__u8': 1}
HEADER = 'kernel/uapi/linux/ipcshm.h'
DESCRIPTION = 'tools/fuzz/ipcshm.txt'


def read(path, comment=r'/\*.*?\*/'):
    """A file without its comments."""
    with open(path, encoding='utf-8') as file:
        return re.sub(comment, '', file.read(), flags=re.S | re.M) if comment else file.read()


def find(pattern, text):
    """The groups of the only match, or None."""
    found = re.findall(pattern, text, flags=re.S | re.M)
    return found[0] if len(found) == 1 else None


def read_description(path=DESCRIPTION):
    """The syzlang description without its comments."""
    return read(path, r'^#.*?$')


def structures(header):
    """The members of each structure: (type, name, count)."""
    return {name: [(kind, member, int(count or 1)) for kind, member, count in
                   re.findall(r'^\s*((?:struct )?\w+)\s+(\w+)(?:\[(\d+)\])?;', body, flags=re.M)]
            for name, body in re.findall(r'^struct (ipcshm_\w+) \{(.*?)^\};', header, flags=re.S | re.M)}


def commands(header):
    """The structure of each ioctl, in the order of the header."""
    return dict(re.findall(r'#define IPCSHM_IOC_(\w+)[\s\\]+_IOWR\([^)]*?struct (ipcshm_\w+)\)', header))


def rows():
    """The rows of the kernel's tables by the ioctl's name, each a dictionary."""
    table = {}
    for target in TARGETS:
        source = read(f'kernel/{target}_ioctl.c')
        prefix = '' if target == 'device' else target.upper() + '_'
        parts = find(rf'^static const struct ipcshm_ioctl {target}_ioctls\[\] = {{\n(.*?)^}};', source)
        for name, text in re.findall(r'^\t\[(?:NR\(|_IOC_NR\(IPCSHM_IOC_)(\w+)\)\] = {\n(.*?)^\t},', parts,
                                     flags=re.S | re.M):
            structure, version = find(r'IPCSHM_ARGS\((\w+), (\w+)\)', text)
            table[prefix + name] = {
                'target': target,
                'structure': 'ipcshm_' + structure,
                'least': f'IPCSHM_{version}_SIZE_VER0',
                'out': find(r'\.out = IPCSHM_OUT_(\w+)', text) or 'NONE',
                'flags': bool(re.search(r'IPCSHM_FLAGS|OPEN\(', text)),
                'clock': 'IPCSHM_CLOCK' in text,
                'zero': set(re.findall(r'IPCSHM_SPAN\(\w+, (\w+)\)', text)),
                'access': find(r'\.access = FMODE_(\w+)', text),
            }
    return table


def forms():
    """The forms of each ioctl in the tests: (form, structure, least size, target, effects)."""
    source, tested = read('selftests/common/forms.h'), {}
    for form, name, structure, least, target, does in re.findall(
            r'^(?:FORM|PLAIN)\((\w+), \w+, (\w+), (\w+), (\d+), (\w+), ([^,)]+)', source, flags=re.M):
        tested.setdefault(name, []).append((form, 'ipcshm_' + structure, least, target.lower(), does))
    return tested
