# slow
# below: melspectrogram librosa/feature/spectral.py, _spectrogram librosa/core/spectrum.py
# known: loading=True
import librosa

class Clips:
    def __getitem__(self, index):
        wave = self.waves[index]
        return librosa.feature.melspectrogram(y=wave, sr=16000)  # hot
# exempt: prepared beforehand
# below: melspectrogram librosa/feature/spectral.py
import librosa

def prepare(waves):
    return [librosa.feature.melspectrogram(y=wave, sr=16000) for wave in waves]  # hot
